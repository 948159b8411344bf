import type { Origin, Principal } from "../../domain/user.ts";
import type { Identity } from "../ports.ts";
import type { Proof } from "../second-factor/second-factor-use-cases.ts";
import type { OpenedSession, SignInOrigin } from "../sign-in/session-use-cases.ts";

/** Where a browser is to go, and what it is to bring back with it: a text that it keeps and cannot read. */
export interface Departure {
  readonly url: string;
  readonly ticket: string;
}

/** What came of coming back from the provider. */
export type Arrival =
  | { readonly kind: "signed-in"; readonly opened: OpenedSession }
  | { readonly kind: "connected" };

/** Signing in at an OpenID Connect provider. Where there is none, everything here is `not-found`. */
export interface OpenIdConnectUseCases {
  /** What the sign-in page calls the provider; null: there is none. */
  readProviderName(): string | null;
  /** Sends a browser to the provider, to sign in. Throws as `IdentityProvider.begin`. */
  beginProviderSignIn(from: Origin): Promise<Departure>;
  /**
   * The same, to connect the principal, who has a session, to who they are there. `parameter-invalid` when password or
   * code are wrong. They are told by mail once it is done.
   */
  connectIdentity(principal: Principal, proof: Proof): Promise<Departure>;
  /**
   * Takes a browser that comes back. `search` is its query, `ticket` what it brought, `principal` who it is signed in
   * as, and `before` the secret of that session, which ends when another one begins. Besides what `IdentityProvider.finish`
   * throws: `conflict` when an account with this e-mail address is there and not connected, or the identity is connected
   * to somebody else; `forbidden` for a blocked account, for one that is not to be made, and for an address that the
   * provider has not verified.
   */
  finishAtProvider(
    arrived: { readonly search: string; readonly ticket: string | null },
    who: { readonly principal: Principal; readonly from: SignInOrigin; readonly before: string | null },
  ): Promise<Arrival>;
  /** The principal's own. */
  listIdentities(principal: Principal): Promise<readonly Identity[]>;
  /** `conflict` when it is the only way by which they can sign in: they have no password. */
  disconnectIdentity(principal: Principal, id: number): Promise<void>;
}
