import type { DeployKey, SshKey, UserSshKey } from "../../domain/ssh-key.ts";
import type { Origin, Principal, User } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { OwnHostKey, Page, Paged } from "../ports.ts";

/**
 * The keys that let somebody in by SSH: of users, and of projects (deploy keys). One key is one identity: a second time
 * it is refused (`model-invalid`), whoever has it. What somebody may not see is `not-found`.
 */
export interface SshKeyUseCases {
  /** A user by id or name; left out: the principal. */
  listSshKeys(principal: Principal, user: PathOrId | null, page: Page): Promise<Paged<UserSshKey>>;
  findSshKey(principal: Principal, user: PathOrId | null, id: number): Promise<UserSshKey>;
  /** For another user: admins only. */
  addSshKey(principal: Principal, user: PathOrId | null, key: SshKeyDraft): Promise<UserSshKey>;
  /** It lets nobody in any more when this resolves. */
  removeSshKey(principal: Principal, user: PathOrId | null, id: number): Promise<void>;
  /** A key of any kind, by id or fingerprint (`SHA256:…`, or MD5), with its user. For admins. */
  findAnySshKey(
    principal: Principal,
    which: { readonly id: number } | { readonly fingerprint: string },
  ): Promise<OwnedSshKey>;

  /** For those who may administer the project. */
  listDeployKeys(principal: Principal, project: PathOrId, page: Page): Promise<Paged<ProjectDeployKey>>;
  findDeployKey(principal: Principal, project: PathOrId, id: number): Promise<ProjectDeployKey>;
  /** A key that opens another project already is enabled for this one too, if the principal administers that one. */
  addDeployKey(principal: Principal, project: PathOrId, key: DeployKeyDraft): Promise<ProjectDeployKey>;
  /** The title is that of the key in all its projects: changed only by who administers them all. */
  changeDeployKey(
    principal: Principal,
    project: PathOrId,
    id: number,
    changes: { readonly title?: string; readonly canPush?: boolean },
  ): Promise<ProjectDeployKey>;
  /** Has a key of a project that the principal administers open this one too; read-only. */
  enableDeployKey(principal: Principal, project: PathOrId, id: number): Promise<ProjectDeployKey>;
  /** From this project; a key that opens nothing more is gone. */
  removeDeployKey(principal: Principal, project: PathOrId, id: number): Promise<void>;
  /** Those of all projects. For admins. */
  listAllDeployKeys(principal: Principal, page: Page): Promise<Paged<DeployKey>>;

  /**
   * Whom this public key lets in, by its fingerprint: null when it is unknown or expired or its user is blocked, without
   * telling which. Good for Git only, and to be asked again for each command: what somebody may changes.
   */
  authenticateSshKey(fingerprintSha256: string, from: Origin): Promise<SshCaller | null>;
  /** Notes that somebody came in with it. */
  noteSshKeyUse(id: number): Promise<void>;
  /** How SSH clients know this server: its name in known_hosts and its keys. Null where SSH is off. For everybody. */
  readSshDoor(): { readonly host: string; readonly keys: readonly OwnHostKey[] } | null;
}

export interface SshKeyDraft {
  readonly title: string;
  readonly key: string;
  readonly expiresAt: Date | null;
}

export interface DeployKeyDraft extends SshKeyDraft {
  readonly canPush: boolean;
}

export interface ProjectDeployKey {
  readonly key: DeployKey;
  readonly canPush: boolean;
}

export type OwnedSshKey = SshKey & { readonly user: User | null };

/** Somebody who came by SSH. */
export interface SshCaller {
  readonly principal: Principal;
  readonly keyId: number;
  /** How to greet them: a user name, or what a deploy key is called. */
  readonly name: string;
}
