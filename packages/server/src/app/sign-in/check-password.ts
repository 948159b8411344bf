import { createHmac, randomBytes } from "node:crypto";
import { networkOf } from "../../domain/sign-in-throttle.ts";
import type { Origin, Principal, User } from "../../domain/user.ts";
import { auditedUser, INSTANCE } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import { beginPasswordTry, refuseBlockedPair } from "./throttle.ts";

export type PasswordCheckPorts = Pick<
  Ports,
  "audit" | "clock" | "log" | "passwords" | "signInFailures" | "users"
>;

/**
 * Whose user name and password these are; null when they are wrong, in the same time and with the same answer whether
 * there is such a user or not. A blocked user too: the caller refuses them, now that the password was right.
 * `too-many-sign-ins` after too many failures.
 */
export type CheckPassword = (
  given: { readonly username: string; readonly password: string },
  from: Origin,
) => Promise<CheckedUser | null>;

/** Somebody whose password was right. */
export interface CheckedUser {
  readonly user: User;
  /** As it was then: whoever opens a session by it makes sure that it is still theirs. */
  readonly passwordHash: string;
}

/** An address from which nobody signed in for so long is no longer known to be theirs. */
export const KNOWN_ADDRESS_MS = 90 * 24 * 3600_000;

/** What was right is not computed again for a minute: git asks three times for each fetch. */
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1000;

/** Longer ones are nobody's: hashing megabytes would be work for nothing. */
const LONGEST_PASSWORD = 1024;

/** Makes the one check that all doors share: what one of them learns, all know. */
export function createPasswordCheck(ports: PasswordCheckPorts): CheckPassword {
  // In memory only, and of no use to anybody who reads it there or elsewhere.
  const pepper = randomBytes(32);
  const underWay = new Map<string, Promise<CheckedUser | null>>();
  const right = new Map<string, { readonly passwordHash: string; readonly until: number }>();

  function keyOf(username: string, password: string, network: string): string {
    const text = JSON.stringify([username.toLowerCase(), password, network]);
    return createHmac("sha256", pepper).update(text, "utf8").digest("base64");
  }

  function remember(key: string, passwordHash: string): void {
    for (const old of right.keys()) {
      if (right.size < MOST_REMEMBERED) break;
      right.delete(old);
    }
    right.set(key, { passwordHash, until: ports.clock.now().getTime() + REMEMBERED_MS });
  }

  function isRemembered(key: string, passwordHash: string): boolean {
    const known = right.get(key);
    if (!known) return false;
    if (known.passwordHash === passwordHash && known.until > ports.clock.now().getTime()) return true;
    right.delete(key);
    return false;
  }

  async function check(
    { username, password }: { readonly username: string; readonly password: string },
    from: Origin,
    { key, network }: { readonly key: string; readonly network: string },
  ): Promise<CheckedUser | null> {
    const found = await ports.users.findForSignIn(username);
    const stored = found?.passwordHash ?? null;
    if (found && stored !== null && isRemembered(key, stored)) {
      await refuseBlockedPair(ports, { username, from });
      return { user: found.user, passwordHash: stored };
    }

    const since = new Date(ports.clock.now().getTime() - KNOWN_ADDRESS_MS);
    const isKnown = await ports.signInFailures.isKnownAddress(found?.user.id ?? 0, network, since);
    const attempt = await beginPasswordTry(ports, { username, from, isKnown });
    let isRight = false;
    try {
      const tried = password.slice(0, LONGEST_PASSWORD);
      // The same work as for a user who exists, so that the time taken tells nothing.
      if (stored === null) await ports.passwords.hash(tried);
      else isRight = (await ports.passwords.verify(tried, stored)) && tried === password;
    } catch (error) {
      await attempt.takenBack();
      throw error;
    }
    if (!isRight || !found || stored === null) {
      if (isWorthNoting(attempt.failures)) await noteFailure(found?.user ?? null, from, attempt.failures);
      if (attempt.blocks) {
        const account = { userId: found?.user.id ?? null, address: from.address };
        ports.log.warn({ ...account, failures: attempt.failures }, "too many failed sign-ins");
      }
      return null;
    }
    await attempt.succeeded();
    if (from.address !== null) {
      await ports.signInFailures.rememberAddress(found.user.id, network, ports.clock.now());
    }
    remember(key, stored);
    return { user: found.user, passwordHash: stored };
  }

  /** Never the name that was given when it is nobody's: it may be a password, typed into the wrong field. */
  async function noteFailure(user: User | null, from: Origin, failures: number): Promise<void> {
    const nobody: Principal = { kind: "anonymous", from };
    await recordAudit(ports, nobody, {
      action: "sign-in-failed",
      entity: user === null ? INSTANCE : auditedUser(user),
      details: { failures, account: user === null ? "unknown" : user.username },
    });
  }

  return async (given, from) => {
    const network = from.address === null ? from.door : networkOf(from.address);
    const key = keyOf(given.username, given.password, network);
    // The same tried many times at once is one try: clients clone many repositories in parallel.
    const waiting = underWay.get(key);
    if (waiting !== undefined) return await waiting;
    const checking = check(given, from, { key, network });
    underWay.set(key, checking);
    try {
      return await checking;
    } finally {
      underWay.delete(key);
    }
  };
}

/** The first three of an account from an address, then every tenth: the audit log is not for anybody to fill. */
function isWorthNoting(failures: number): boolean {
  return failures <= 3 || failures % 10 === 0;
}
