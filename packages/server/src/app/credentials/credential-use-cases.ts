import type { CredentialKind, SshKeyType } from "@heliostat/contract";
import type { Credential } from "../../domain/credential.ts";
import type { Principal } from "../../domain/user.ts";
import type { MirrorOfProject, Page, Paged } from "../ports.ts";

/**
 * Named credentials. Whom they belong to may see and handle them: their user, or admins for those of groups and all
 * others. For anybody else there is none: `not-found` (`Not found`).
 */
export interface CredentialUseCases {
  listCredentials(
    principal: Principal,
    filter: { readonly search?: string; readonly namespaceId?: number },
    page: Page,
  ): Promise<Paged<CredentialView>>;
  findCredential(principal: Principal, id: number): Promise<CredentialView>;
  createCredential(principal: Principal, credential: CredentialDraft): Promise<CredentialView>;
  updateCredential(principal: Principal, id: number, changes: CredentialChanges): Promise<CredentialView>;
  /** `conflict` while mirrors use it. */
  removeCredential(principal: Principal, id: number): Promise<void>;
  /**
   * Another secret in place of the old one, for all mirrors that use it: they forget what failed because of the old one
   * and are updated soon. `model-invalid` where a password is due and none is given.
   */
  rotateCredential(principal: Principal, id: number, rotation: CredentialRotation): Promise<CredentialView>;
  /** All mirrors that use it, those of projects too that the principal may not see: it is their secret that goes there. */
  listCredentialUses(principal: Principal, id: number, page: Page): Promise<Paged<MirrorOfProject>>;
}

/** A credential, and how it stands now. */
export interface CredentialView {
  readonly credential: Credential;
  readonly isExpired: boolean;
  readonly expiresSoon: boolean;
  /** The key that sealed it is not in the secrets file: it must be given anew. */
  readonly needsSecret: boolean;
}

/** What is given of a secret. For an SSH key pair nothing need be given: then one is made. */
export interface SecretDraft {
  readonly password?: string | null;
  readonly privateKey?: string | null;
  readonly keyType?: SshKeyType;
}

export interface CredentialDraft extends SecretDraft {
  readonly name: string;
  readonly kind: CredentialKind;
  /** Left out: the principal's own. */
  readonly namespaceId?: number;
  readonly username?: string | null;
  readonly expiresAt?: Date | null;
}

export interface CredentialChanges {
  readonly name?: string;
  readonly username?: string | null;
  readonly expiresAt?: Date | null;
}

/** `expiresAt` left out: that of the old secret is forgotten, because it is gone. */
export interface CredentialRotation extends SecretDraft {
  readonly username?: string | null;
  readonly expiresAt?: Date | null;
}
