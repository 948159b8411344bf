import type { DeployKey, SshKey, UserSshKey } from "../../domain/ssh-key.ts";
import type { Page, Paged } from "./instance.ts";

export interface NewSshKey {
  readonly title: string;
  readonly key: string;
  readonly fingerprintSha256: string;
  readonly fingerprintMd5: string;
  readonly createdBy: number;
  readonly expiresAt: Date | null;
}

/** The keys that let somebody in by SSH. A key is there once: whose it is tells who comes. */
export interface SshKeyStore {
  /** `model-invalid` when the key is there already, whosever it is. */
  createOfUser(userId: number, key: NewSshKey): Promise<UserSshKey>;
  /** The same for a key that opens this project. */
  createOfProject(projectId: number, key: NewSshKey, canPush: boolean): Promise<DeployKey>;
  find(id: number): Promise<SshKey | null>;
  /** By either fingerprint, as the key has it. */
  findByFingerprint(fingerprint: string): Promise<SshKey | null>;
  listOfUser(userId: number, page: Page): Promise<Paged<UserSshKey>>;
  /** Those that open this project; all deploy keys when it is left out. */
  listDeployKeys(filter: { readonly projectId?: number }, page: Page): Promise<Paged<DeployKey>>;
  rename(id: number, title: string): Promise<void>;
  /** Has the key open this project, or changes whether it may push there. */
  enable(id: number, projectId: number, canPush: boolean): Promise<void>;
  /** The key no longer opens this project; one that opens nothing more is removed. */
  disable(id: number, projectId: number): Promise<void>;
  remove(id: number): Promise<void>;
  /** Written at most once in a while for each key: it is a hint, not an audit. */
  touch(id: number, now: Date): Promise<void>;
}

/** A public host key of this server. */
export interface OwnHostKey {
  readonly algorithm: string;
  readonly bits: number;
  /** Base64. */
  readonly key: string;
  readonly fingerprintSha256: string;
}

/** The keys by which SSH clients know this server. */
export interface OwnHostKeys {
  /** None where SSH is off. */
  list(): readonly OwnHostKey[];
}
