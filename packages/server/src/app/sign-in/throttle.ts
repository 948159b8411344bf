import { createHash } from "node:crypto";
import { HeliostatError } from "../../domain/errors.ts";
import {
  addFailure,
  blockedUntil,
  COUNTED_BY_ADDRESS,
  type FailureCount,
  networkOf,
  THROTTLE_RULES,
  takeBackFailure,
} from "../../domain/sign-in-throttle.ts";
import type { Origin } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";

type ThrottlePorts = Pick<Ports, "clock" | "signInFailures">;

/** A try at a password: it counts as a failure from its beginning, so that a thousand at once are a thousand. */
export interface PasswordTry {
  /** Failures of this account from this address, this try among them. */
  readonly failures: number;
  /** Whether the next try will have to wait. */
  readonly blocks: boolean;
  /** The password was right: what this account failed from here is forgotten. */
  succeeded(): Promise<void>;
  /** Nothing came of it, by no fault of the client's. */
  takenBack(): Promise<void>;
}

/**
 * Begins a try at an account's password; `too-many-sign-ins` when the account, the address or both have to wait.
 * `isKnown`: this account signed in from this address before. Then only what it failed from there counts: strangers
 * elsewhere, and neighbours behind the same address, do not lock it out.
 */
export async function beginPasswordTry(
  ports: ThrottlePorts,
  {
    username,
    from,
    isKnown,
  }: { readonly username: string; readonly from: Origin; readonly isKnown: boolean },
): Promise<PasswordTry> {
  const name = digestName(username);
  const network = from.address === null ? null : networkOf(from.address);
  const keys = {
    pair: pairKey(username, from),
    address: network === null ? null : `address ${network}`,
    account: `account ${name}`,
  };
  const all = [keys.pair, keys.account, ...(keys.address === null ? [] : [keys.address])];
  // Those who must wait cost a look, and nothing is written for them.
  await refuseBlockedPair(ports, { username, from });

  let failures = 0;
  let blocks = false;
  let isCountedByAddress = false;
  await ports.signInFailures.change(all, (counts) => {
    const now = ports.clock.now();
    const countOf = (key: string | null) => (key === null ? null : (counts.get(key) ?? null));
    refuseBlocked(countOf(keys.pair), now);
    if (!isKnown) for (const key of [keys.address, keys.account]) refuseBlocked(countOf(key), now);
    const pair = addFailure(countOf(keys.pair), THROTTLE_RULES.pair, now);
    failures = pair.failures;
    blocks = pair.blockedUntil !== null;
    const next = new Map<string, FailureCount>([
      [keys.pair, pair],
      [keys.account, addFailure(countOf(keys.account), THROTTLE_RULES.account, now)],
    ]);
    isCountedByAddress = keys.address !== null && failures <= COUNTED_BY_ADDRESS;
    if (keys.address !== null && isCountedByAddress) {
      next.set(keys.address, addFailure(countOf(keys.address), THROTTLE_RULES.address, now));
    }
    return next;
  });

  async function takeBack(pairAfter: (pair: FailureCount) => FailureCount | null): Promise<void> {
    await ports.signInFailures.change(all, (counts) => {
      const next = new Map<string, FailureCount | null>();
      const pair = counts.get(keys.pair);
      if (pair) next.set(keys.pair, pairAfter(pair));
      const account = counts.get(keys.account);
      if (account) next.set(keys.account, takeBackFailure(account, THROTTLE_RULES.account));
      const address = keys.address === null || !isCountedByAddress ? undefined : counts.get(keys.address);
      if (keys.address !== null && address) {
        next.set(keys.address, takeBackFailure(address, THROTTLE_RULES.address));
      }
      return next;
    });
  }

  return {
    failures,
    blocks,
    succeeded: () => takeBack(() => null),
    takenBack: () => takeBack((pair) => takeBackFailure(pair, THROTTLE_RULES.pair)),
  };
}

/**
 * Begins a try at a code of an account's second factor, which counts as a failure until it `succeeded`;
 * `too-many-sign-ins` when the account has to wait. A password that was right does not make it forget.
 */
export async function beginCodeTry(
  ports: ThrottlePorts,
  userId: number,
): Promise<Pick<PasswordTry, "failures" | "succeeded" | "takenBack">> {
  const key = `code ${userId}`;
  let failures = 0;
  await ports.signInFailures.change([key], (counts) => {
    const now = ports.clock.now();
    const before = counts.get(key) ?? null;
    refuseBlocked(before, now);
    const count = addFailure(before, THROTTLE_RULES.code, now);
    failures = count.failures;
    return new Map([[key, count]]);
  });
  return {
    failures,
    succeeded: () => ports.signInFailures.change([key], () => new Map([[key, null]])),
    takenBack: () =>
      ports.signInFailures.change([key], (counts) => {
        const count = counts.get(key);
        return new Map(count ? [[key, takeBackFailure(count, THROTTLE_RULES.code)]] : []);
      }),
  };
}

/**
 * Counts a token that nobody has, against the address that it came from; `too-many-sign-ins` when there were too many.
 * A token that is good is never asked to wait: it is looked up first.
 */
export async function countUnknownToken(ports: ThrottlePorts, from: Origin): Promise<void> {
  if (from.address === null) return;
  const key = `token ${networkOf(from.address)}`;
  refuseBlocked(await ports.signInFailures.read(key), ports.clock.now());
  await ports.signInFailures.change([key], (counts) => {
    const now = ports.clock.now();
    const count = counts.get(key) ?? null;
    refuseBlocked(count, now);
    return new Map([[key, addFailure(count, THROTTLE_RULES.token, now)]]);
  });
}

/**
 * `too-many-sign-ins` while this account has to wait at this address. It has to, whatever the password: an answer to the
 * right one would tell it from the wrong ones as fast as anybody can ask.
 */
export async function refuseBlockedPair(
  ports: ThrottlePorts,
  { username, from }: { readonly username: string; readonly from: Origin },
): Promise<void> {
  refuseBlocked(await ports.signInFailures.read(pairKey(username, from)), ports.clock.now());
}

function pairKey(username: string, { address, door }: Origin): string {
  return `pair ${digestName(username)} ${address === null ? door : networkOf(address)}`;
}

function refuseBlocked(count: FailureCount | null, now: Date): void {
  const until = blockedUntil(count, now);
  if (until === null) return;
  throw new HeliostatError(
    "too-many-sign-ins",
    "This endpoint has been requested too many times. Try again later.",
    { retryAfterSeconds: Math.ceil((until.getTime() - now.getTime()) / 1000) },
  );
}

/** As a digest: people type passwords where the name belongs, and a name may be of any length. */
function digestName(username: string): string {
  return createHash("sha256").update(username.toLowerCase(), "utf8").digest("base64url").slice(0, 22);
}
