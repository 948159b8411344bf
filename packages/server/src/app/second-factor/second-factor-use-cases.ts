import type { Principal } from "../../domain/user.ts";

/** How the second factor of somebody stands. */
export interface SecondFactorState {
  readonly isEnabled: boolean;
  /** Null: it is not set up. */
  readonly enabledAt: Date | null;
  /** Recovery codes that are left. */
  readonly recoveryCodes: number;
  /** The secret cannot be opened: only recovery codes are taken. */
  readonly isUnreadable: boolean;
  /** Everybody must have one here who signs in by password. */
  readonly isRequired: boolean;
}

/** What shows that it is really them: the account password, where there is one, and a code. */
export interface Proof {
  readonly password: string;
  /** Of the app, or a recovery code. */
  readonly code: string;
}

/**
 * The second factor of the principal themselves, who has signed in: a token manages none (`forbidden`). A wrong password
 * or code is `model-invalid` with the field `current_password` or `code`, and `sign-in-throttled` after too many.
 */
export interface SecondFactorUseCases {
  readSecondFactor(principal: Principal): Promise<SecondFactorState>;
  /**
   * Makes a secret, the only time that it is shown; it is in force once it is confirmed. `conflict` when there is one in
   * force. `url`: what an app reads from a QR code.
   */
  beginSecondFactor(
    principal: Principal,
    proof: Pick<Proof, "password">,
  ): Promise<{ readonly secret: string; readonly url: string }>;
  /** Puts the secret in force by its first code, and answers the recovery codes, the only time that they are shown. */
  confirmSecondFactor(principal: Principal, code: string): Promise<readonly string[]>;
  /** Others in place of all that are left. `conflict` when there is no second factor. */
  replaceRecoveryCodes(principal: Principal, proof: Proof): Promise<readonly string[]>;
  removeSecondFactor(principal: Principal, proof: Proof): Promise<void>;
  /** That of somebody else, who has lost theirs; for admins. `parameter-invalid` when there is none. */
  disableSecondFactorOf(principal: Principal, userId: number): Promise<void>;
}
