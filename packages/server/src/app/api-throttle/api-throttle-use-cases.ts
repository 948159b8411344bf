import type { Principal } from "../../domain/user.ts";

/** How many requests the API takes. */
export interface ApiThrottleUseCases {
  /**
   * Counts a request to the API for its user, or for the address of somebody who showed nothing good;
   * `too-many-requests`, with the limit that was reached, when the settings let no more through.
   */
  countApiRequest(principal: Principal): Promise<void>;
}
