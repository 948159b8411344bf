/** What is known of the webhooks that the other side of a mirror sends it. */
export interface HookState {
  readonly hasSecret: boolean;
  /** Of the last that told of a change; null: none did. */
  readonly receivedAt: Date | null;
  /** Changes in a row that polling found, and of which no webhook had told by then. */
  readonly missedCount: number;
  readonly missedAt: Date | null;
}

/** A webhook comes after the change: one that polling finds is not missed before this time is over. */
export const HOOK_GRACE_MS = 30_000;

/** The state as people are to see it: of the last change, the webhook may still be on its way. */
export function judgeHook(
  { hasSecret, receivedAt, missedCount, missedAt }: HookState,
  now: Date,
): HookState & { readonly isReliable: boolean } {
  const mayStillCome = missedAt !== null && missedAt.getTime() > now.getTime() - HOOK_GRACE_MS;
  const missed = mayStillCome ? missedCount - 1 : missedCount;
  return {
    ...{ hasSecret, receivedAt, missedCount: missed },
    missedAt: mayStillCome && missed === 0 ? null : missedAt,
    isReliable: missed === 0,
  };
}
