import { HeliostatError } from "../../domain/errors.ts";
import type { Clock } from "../ports.ts";
import { createRateLimit } from "../rate-limit.ts";

const MINUTE_MS = 60_000;
/** Enough for a person who mends a form, too few for whoever looks for open ports. */
const TESTS_A_MINUTE = 10;
/**
 * Enough for a person, and for a script that sets up mirrors. Of one user as of one project: with many projects nobody
 * takes the places of all others.
 */
const SCANS_A_MINUTE = 20;
const SCANS_OF_ALL = 120;

/** Who has this server speak to others at once. */
export interface Asker {
  readonly userId: number;
  /** Null: it is about none. */
  readonly projectId: number | null;
}

/** How often somebody may have this node speak to others while they wait. */
export interface OutboundPlaces {
  /** Counts one more test of a connection; `too-many-tests` when there were too many within a minute. */
  takeTest(userId: number): void;
  /** Counts one more scan of host keys, be it a part of a test; `too-many-scans` likewise. */
  takeScan(asker: Asker): void;
}

/** Counts in this process alone, by this clock: after a restart everybody may again. */
export function createOutboundPlaces(clock: Pick<Clock, "now">): OutboundPlaces {
  const tests = createRateLimit(clock, { perKey: TESTS_A_MINUTE, windowMs: MINUTE_MS });
  const scans = createRateLimit(clock, {
    ...{ perKey: SCANS_A_MINUTE, total: SCANS_OF_ALL, windowMs: MINUTE_MS },
  });
  return {
    takeTest(userId) {
      if (tests.take(String(userId))) return;
      const message = `Connections can be tested ${TESTS_A_MINUTE} times a minute: wait a little.`;
      throw new HeliostatError("too-many-tests", message);
    },
    takeScan({ userId, projectId }) {
      if (scans.take(`user ${userId}`, ...(projectId === null ? [] : [`project ${projectId}`]))) return;
      const message = "Host keys were asked for too often. Try again in a minute.";
      throw new HeliostatError("too-many-scans", message);
    },
  };
}
