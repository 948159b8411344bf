import type { OpenedSession, SignInOrigin } from "./session-use-cases.ts";

/** What comes of showing who one is. */
export interface Admission {
  readonly kind: "signed-in";
  readonly opened: OpenedSession;
}

/** How people come in with a browser. */
export interface SignInUseCases {
  /**
   * Signs in with a user name and a password. `before` is the secret of the session that the browser had, which ends.
   * `sign-in-refused` for a wrong name or password, whichever it was; `forbidden` for a blocked account whose password
   * was right; `second-factor-needed` when the password was right and the code is missing or wrong; `too-many-sign-ins`.
   */
  signIn(
    given: {
      readonly username: string;
      readonly password: string;
      /** Of the second factor; null: none yet. */
      readonly code: string | null;
    },
    how: { readonly from: SignInOrigin; readonly before: string | null },
  ): Promise<Admission>;
}
