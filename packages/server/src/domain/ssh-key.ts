/** An SSH key that lets somebody in: a user's, or one of projects. */
interface SshKeyFields {
  readonly id: number;
  readonly title: string;
  /** One line, as it was given: type, base64, comment. */
  readonly key: string;
  /** `SHA256:` and unpadded base64. */
  readonly fingerprintSha256: string;
  /** Sixteen bytes in hex with colons, without a prefix. */
  readonly fingerprintMd5: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface UserSshKey extends SshKeyFields {
  readonly userId: number;
}

export interface DeployKey extends SshKeyFields {
  /** Who made it; null: they are gone. */
  readonly createdBy: number | null;
  /** The projects that it opens. */
  readonly projects: readonly { readonly projectId: number; readonly canPush: boolean }[];
}

/** A key of either kind. */
export type SshKey =
  | { readonly kind: "user"; readonly key: UserSshKey }
  | { readonly kind: "deploy"; readonly key: DeployKey };

/** Whether the key lets nobody in any more because its time is over. */
export function hasExpired({ expiresAt }: Pick<SshKeyFields, "expiresAt">, now: Date): boolean {
  return expiresAt !== null && expiresAt <= now;
}
