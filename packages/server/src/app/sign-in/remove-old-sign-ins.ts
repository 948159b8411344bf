import { unconfirmedSince } from "../../domain/second-factor.ts";
import { FORGOTTEN_AFTER_MS } from "../../domain/sign-in-throttle.ts";
import type { Ports } from "../ports.ts";
import { KNOWN_ADDRESS_MS } from "./check-password.ts";
import { idleSince } from "./sessions.ts";

/**
 * Removes sessions that are over, failures that are forgotten, addresses from which nobody signs in any more, and secrets
 * of second factors that nobody has confirmed in time.
 * Answers how many rows.
 */
export async function removeOldSignIns(
  ports: Pick<Ports, "clock" | "secondFactors" | "sessions" | "settings" | "signInFailures">,
): Promise<number> {
  const now = ports.clock.now();
  const { sessionExpireDelay } = await ports.settings.read();
  const ago = (ms: number) => new Date(now.getTime() - ms);
  const sessions = await ports.sessions.removeExpired(now, idleSince(now, sessionExpireDelay));
  const before = { failures: ago(FORGOTTEN_AFTER_MS), addresses: ago(KNOWN_ADDRESS_MS) };
  const unconfirmed = await ports.secondFactors.removeUnconfirmed(unconfirmedSince(now));
  return sessions + unconfirmed + (await ports.signInFailures.removeOld(before));
}
