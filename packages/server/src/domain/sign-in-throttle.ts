/** Failed sign-ins in a row, of one account, address or both. */
export interface FailureCount {
  readonly failures: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** Until then nothing more is tried; null: not blocked. */
  readonly blockedUntil: Date | null;
}

export interface ThrottleRule {
  /** So many failures cost nothing. */
  readonly free: number;
  /** The next one blocks for so long, and each one after it for twice as long as the one before. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/**
 * Slow to lock, because clients repeat: the loudest one makes ten tries at once of every call. What is counted:
 * - `pair`: one account from one address. What a forgetful person and a client with an old password run into.
 * - `address`: all accounts from one address, but only the first failures of each, so that one broken client does not
 *   shut out the office behind the same address. Against trying one password on many accounts.
 * - `account`: one account from everywhere. Against guessing from many addresses. Never longer than a minute: strangers
 *   can bring it about.
 * - `code`: codes of one account's second factor, from everywhere. Slow for long: only who has the password comes so far.
 * - `token`: unknown tokens from one address. Nobody guesses a token; this keeps what is hopeless quiet.
 */
export const THROTTLE_RULES = {
  pair: { free: 20, firstDelayMs: 5 * SECOND_MS, longestDelayMs: 15 * MINUTE_MS },
  address: { free: 100, firstDelayMs: 5 * SECOND_MS, longestDelayMs: 15 * MINUTE_MS },
  account: { free: 100, firstDelayMs: 5 * SECOND_MS, longestDelayMs: MINUTE_MS },
  code: { free: 10, firstDelayMs: 5 * SECOND_MS, longestDelayMs: 15 * MINUTE_MS },
  token: { free: 100, firstDelayMs: SECOND_MS, longestDelayMs: MINUTE_MS },
} as const satisfies Record<string, ThrottleRule>;

/** Failures of one account from one address that count against the address as well. */
export const COUNTED_BY_ADDRESS = 10;

/** After so long without a failure, those before are forgotten. */
export const FORGOTTEN_AFTER_MS = 60 * MINUTE_MS;

/** When the next try may be made; null: now. */
export function blockedUntil(count: FailureCount | null, now: Date): Date | null {
  return count?.blockedUntil && count.blockedUntil > now ? count.blockedUntil : null;
}

/** The count with one failure more. */
export function addFailure(count: FailureCount | null, rule: ThrottleRule, now: Date): FailureCount {
  const before = count === null || isForgotten(count, now) ? null : count;
  const failures = (before?.failures ?? 0) + 1;
  return {
    failures,
    firstAt: before?.firstAt ?? now,
    lastAt: now,
    blockedUntil: failures > rule.free ? new Date(now.getTime() + delayOf(failures, rule)) : null,
  };
}

/** The count with one failure less: it was none after all. */
export function takeBackFailure(count: FailureCount, rule: ThrottleRule): FailureCount {
  const failures = Math.max(0, count.failures - 1);
  return { ...count, failures, blockedUntil: failures > rule.free ? count.blockedUntil : null };
}

function delayOf(failures: number, { free, firstDelayMs, longestDelayMs }: ThrottleRule): number {
  // Past 2^30 the number would no longer be one that counts anything.
  return Math.min(firstDelayMs * 2 ** Math.min(failures - free - 1, 30), longestDelayMs);
}

function isForgotten({ lastAt, blockedUntil: until }: FailureCount, now: Date): boolean {
  return now.getTime() - (until ?? lastAt).getTime() >= FORGOTTEN_AFTER_MS;
}

/**
 * The part of an IP address by which tries are counted: an IPv4 address whole, of an IPv6 address the 64 bits of its
 * network, since whoever has one address of it has all.
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [bare = ""] = address.split("%", 1);
  if (!bare.includes(":")) return bare;
  const [head = "", tail] = bare.toLowerCase().split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const end = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = tail === undefined ? [] : Array.from({ length: 8 - groups.length - end.length }, () => "0");
  return [...groups, ...middle, ...end]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
