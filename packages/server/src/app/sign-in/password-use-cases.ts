import type { Principal } from "../../domain/user.ts";

/** Changing passwords. All of them end sessions and are told to the user by mail. */
export interface PasswordUseCases {
  /**
   * One's own, for who knows the present one; all other sessions end. `model-invalid` for a wrong or a weak one,
   * `too-many-sign-ins` after too many wrong ones.
   */
  changePassword(
    principal: Principal,
    passwords: { readonly current: string; readonly next: string },
  ): Promise<void>;
  /** Another user's, for admins; all their sessions end. */
  setPassword(principal: Principal, userId: number, password: string): Promise<void>;
}
