import { HeliostatError } from "../../domain/errors.ts";
import type { Clock } from "../ports.ts";

/** Enough for a person who mends a form, too few for whoever looks for open ports. */
const TESTS_A_MINUTE = 10;
const MINUTE_MS = 60_000;

/** How many tests of connections somebody may make on this node. */
export interface TestPlaces {
  /** Counts one more; `too-many-tests` when there were too many within a minute. */
  take(userId: number): void;
}

export function createTestPlaces(clock: Pick<Clock, "now">, perMinute = TESTS_A_MINUTE): TestPlaces {
  const taken = new Map<number, readonly number[]>();
  return {
    take(userId) {
      const now = clock.now().getTime();
      for (const [id, times] of taken) if ((times.at(-1) ?? 0) <= now - MINUTE_MS) taken.delete(id);
      const recent = (taken.get(userId) ?? []).filter((time) => time > now - MINUTE_MS);
      if (recent.length >= perMinute) {
        const message = `Connections can be tested ${perMinute} times a minute: wait a little.`;
        throw new HeliostatError("too-many-tests", message);
      }
      taken.set(userId, [...recent, now]);
    },
  };
}
