import type { User } from "../../domain/user.ts";
import type { NewUser } from "./accounts.ts";

/** Who somebody is at a provider: `subject` is its name for them, which never changes. */
export interface ExternalId {
  readonly issuer: string;
  readonly subject: string;
}

/** An identity that is connected to a user here. */
export interface Identity extends ExternalId {
  readonly id: number;
  readonly createdAt: Date;
}

/** Which users here are whom at OpenID Connect providers. */
export interface IdentityStore {
  findUser(external: ExternalId): Promise<User | null>;
  listOf(userId: number): Promise<readonly Identity[]>;
  /**
   * `conflict` when somebody is connected to it already, the user themselves too, and when the user has another identity
   * at this issuer.
   */
  connect(userId: number, external: ExternalId): Promise<Identity>;
  /** The user with the identity, both or nothing; as `connect`, and `model-invalid` as `UserStore.create`. */
  createUser(user: NewUser, external: ExternalId): Promise<User>;
  /** Null when there is no such identity of this user. */
  remove(userId: number, id: number): Promise<Identity | null>;
}

/** What a provider says of somebody who signed in there. */
export interface ExternalUser extends ExternalId {
  readonly email: string | null;
  /** False: the provider says that it is not; null: it says nothing. */
  readonly isEmailVerified: boolean | null;
  readonly username: string | null;
  readonly name: string | null;
}

/** What must fit when the browser comes back from a provider. */
export interface SignInChecks {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** An OpenID Connect provider. It may be down at any time: nothing is asked of it before somebody signs in. */
export interface IdentityProvider {
  /** What people call it. */
  readonly name: string;
  /** Whether somebody who has no account here gets one. */
  readonly createsUsers: boolean;
  /**
   * The page of the provider to which the browser goes, and what must fit when it comes back to `callbackUrl`.
   * `provider-unreachable` or `provider-misconfigured`, with what to do.
   */
  begin(callbackUrl: string): Promise<{ readonly url: string; readonly checks: SignInChecks }>;
  /**
   * Who came back; `search` is the query with which they did. `provider-refused` when the provider did not let them in,
   * `sign-in-expired` when the answer is to no question of ours, `sign-in-untrusted` when it does not hold.
   */
  finish(callbackUrl: string, search: string, checks: SignInChecks): Promise<ExternalUser>;
  close(): Promise<void>;
}

/** Texts that somebody keeps for us for a moment, such as in a cookie, and can neither read nor change. */
export interface Seals {
  /** `secret-unreadable` while the secrets file is lost: none is made for this. */
  seal(text: string, purpose: string): string;
  /** Null: not sealed by us for this purpose, or by a key that is gone. */
  open(sealed: string, purpose: string): string | null;
}
