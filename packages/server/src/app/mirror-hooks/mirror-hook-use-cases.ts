import type { Principal } from "../../domain/user.ts";
import type { MirrorStart } from "../mirrors/mirror-start.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { Webhook } from "./webhook.ts";

/** What came of a webhook. */
export type HeardHook =
  | { readonly kind: "started"; readonly start: MirrorStart }
  /** Nothing was to be done, and why. */
  | { readonly kind: "heard"; readonly why: string };

/** A hook secret at the one moment at which it is shown. */
export interface CreatedHookSecret {
  readonly mirrorId: number;
  readonly secret: string;
  readonly createdBy: number;
  readonly createdAt: Date;
}

/** Webhooks by which the other side of a mirror tells of changes. */
export interface MirrorHookUseCases {
  /** Gives the mirror this hook secret, or a new one, in the place of the one that it had. `model-invalid` for a bad one. */
  createHookSecret(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    given: string | null,
  ): Promise<CreatedHookSecret>;
  removeHookSecret(principal: Principal, project: PathOrId, mirrorId: number): Promise<void>;
  /**
   * Starts the mirror that this webhook is for (`pull`: the project's pull mirror), as far as it tells of a change.
   * The same `hook-refused` whether it proves nothing, or there is no such mirror, or it has no hook secret;
   * `hook-replayed` for one that came before; `model-invalid` with the reason when the mirror cannot be started.
   */
  receiveHook(project: PathOrId, mirror: number | "pull", hook: Webhook): Promise<HeardHook>;
}
