/** Starts one mirror, and can do nothing else. The secret itself is only a digest in the database. */
export interface TriggerToken {
  readonly id: number;
  readonly mirrorId: number;
  readonly name: string;
  /** Who made it; null: they are gone. */
  readonly createdBy: number | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

export interface TriggerTokenStore {
  create(token: {
    readonly mirrorId: number;
    readonly name: string;
    readonly digest: Buffer;
    readonly createdBy: number;
  }): Promise<TriggerToken>;
  listOf(mirrorId: number): Promise<readonly TriggerToken[]>;
  findByDigest(digest: Buffer): Promise<TriggerToken | null>;
  /** Answers the one that was taken away; null when this mirror has no such token. */
  remove(mirrorId: number, id: number): Promise<TriggerToken | null>;
  /** Written at most once in a while for each token. */
  touch(token: TriggerToken, now: Date): Promise<void>;
}
