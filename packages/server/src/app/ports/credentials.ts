import type { CredentialKind } from "@heliostat/contract";
import type { Credential, ExpiryNews } from "../../domain/credential.ts";
import type { Viewer } from "../../domain/user.ts";
import type { Page, Paged } from "./instance.ts";
import type { RemoteCredential, SshKeyPair } from "./mirrors.ts";
import type { MirrorOfProject } from "./secrets.ts";

/** What a credential shows a remote, in the clear. */
export type CredentialSecret = { readonly password: string } | { readonly keyPair: SshKeyPair };

export interface NewCredential {
  readonly namespaceId: number;
  readonly name: string;
  readonly kind: CredentialKind;
  readonly username: string | null;
  readonly secret: CredentialSecret;
  readonly expiresAt: Date | null;
  readonly createdBy: number;
}

/** A credential of which people are to be told. */
export interface ExpiringCredential {
  readonly credential: Credential;
  readonly expiresAt: Date;
  readonly news: ExpiryNews;
}

/** How many credentials and mirrors a person must do something about. */
export interface CredentialCounts {
  readonly expiring: number;
  readonly expired: number;
  readonly needingSecret: number;
  /** Mirrors, whether they use a named credential or have one of their own. */
  readonly mirrorsNeedingSecret: number;
}

/** Named credentials. What is unnamed belongs to its mirror, and to `MirrorStore`. */
export interface CredentialStore {
  /** `model-invalid` when the name is taken in the namespace, without regard to case. */
  create(credential: NewCredential): Promise<Credential>;
  find(id: number): Promise<Credential | null>;
  /** Those that this user may see, by name. */
  list(
    filter: {
      readonly visibleTo: Viewer;
      readonly search?: string | undefined;
      readonly namespaceId?: number | undefined;
    },
    page: Page,
  ): Promise<Paged<Credential>>;
  /**
   * Only what is given is written; `not-found` when it is gone. Another user name is for the mirrors that use it what
   * `rotate` is.
   */
  update(
    id: number,
    changes: {
      readonly name?: string | undefined;
      readonly username?: string | null | undefined;
      readonly expiresAt?: Date | null | undefined;
      readonly now: Date;
      readonly userId: number;
    },
  ): Promise<Credential>;
  /**
   * Puts another secret in the place of the old one. At the same moment the mirrors that use it forget what failed
   * because of a credential, and those that are on get a wish for an update each, spread from `now` on, but none later
   * than it is due by itself. A run that is under way with the old secret changes none of that. Answers how many mirrors
   * there are. Without `startsUpdates` the mirrors stay as they are: no host can know the secret yet.
   */
  rotate(
    id: number,
    rotation: {
      readonly secret: CredentialSecret;
      readonly username?: string | null | undefined;
      readonly expiresAt?: Date | null | undefined;
      readonly now: Date;
      readonly userId: number;
      readonly startsUpdates: boolean;
    },
  ): Promise<number>;
  /** `conflict`, and nothing done, while mirrors use it: the message says how many. */
  remove(id: number): Promise<void>;
  listUses(id: number, page: Page): Promise<Paged<MirrorOfProject>>;
  /** User name and secret, opened. `secret-unreadable` when the key of it is lost. */
  readSecret(id: number): Promise<Partial<RemoteCredential>>;
  /** Those with an expiry of which there is something to say that was not yet said. */
  listExpiryNews(now: Date): Promise<readonly ExpiringCredential[]>;
  /** `keyIds`: the keys that are there. */
  count(now: Date, keyIds: readonly string[]): Promise<CredentialCounts>;
}
