/** The second factor of somebody, as it is stored. */
export interface StoredSecondFactor {
  /** Base32; null: it cannot be opened, the key that sealed it is lost. */
  readonly secret: string | null;
  /** When the secret was shown that a code is to confirm; null: it is confirmed. */
  readonly begunAt: Date | null;
  /** Null: it was shown, and no code has come yet. It counts for nothing. */
  readonly confirmedAt: Date | null;
  /** Those that are left. */
  readonly recoveryCodes: number;
}

/** Second factors: a sealed secret each, and recovery codes by their digests. */
export interface SecondFactorStore {
  find(userId: number): Promise<StoredSecondFactor | null>;
  /** Stores a secret that is to be confirmed, in place of another such; false, and nothing done, when one is in force. */
  begin(userId: number, secret: string, at: Date): Promise<boolean>;
  /**
   * Puts this secret in force, with the step of its first code and its recovery codes; false, and nothing done, when it
   * is no more the one that is to be confirmed.
   */
  confirm(
    userId: number,
    confirmed: {
      readonly secret: string;
      readonly step: number;
      readonly recoveryDigests: readonly Buffer[];
      readonly at: Date;
    },
  ): Promise<boolean>;
  /** False when a code of this step or a later one was taken before, and when there is no second factor in force. */
  takeStep(userId: number, step: number): Promise<boolean>;
  /** False when there is no such code; it is gone with the first who takes it. */
  takeRecoveryCode(userId: number, digest: Buffer): Promise<boolean>;
  /** In place of all that are left. */
  replaceRecoveryCodes(userId: number, digests: readonly Buffer[]): Promise<void>;
  /** False when there was none in force. */
  remove(userId: number): Promise<boolean>;
  /** Removes the secrets that were shown before then and never confirmed; answers how many. */
  removeUnconfirmed(before: Date): Promise<number>;
  /** Names of those whose second factor is in force and sealed with none of these keys, in their order. */
  listUsersWithout(keyIds: readonly string[]): Promise<readonly string[]>;
}
