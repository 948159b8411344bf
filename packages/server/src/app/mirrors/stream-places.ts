import { HeliostatError } from "../../domain/errors.ts";

/** Each stream asks the database once a second: all together stay below what the updates themselves ask. */
const MAX_STREAMS = 200;

/** A person who looks at many mirrors in many windows has enough of them, and cannot take them all. */
const MAX_STREAMS_OF_USER = 30;

/** How many streams of progress this node serves at a time. */
export interface StreamPlaces {
  /** Takes a place until the signal fires; `too-many-streams` when there is none. */
  take(userId: number, until: AbortSignal): void;
}

/** Places for `total` streams of this process, of which one user may hold `ofUser`. */
export function createStreamPlaces({ total = MAX_STREAMS, ofUser = MAX_STREAMS_OF_USER } = {}): StreamPlaces {
  const taken = new Map<number, number>();
  let all = 0;
  const count = (userId: number, by: 1 | -1): void => {
    all += by;
    const left = (taken.get(userId) ?? 0) + by;
    if (left > 0) taken.set(userId, left);
    else taken.delete(userId);
  };
  return {
    take(userId, until) {
      if (until.aborted) return;
      if ((taken.get(userId) ?? 0) >= ofUser)
        throw tooMany(`You follow ${ofUser} updates already: end one of them.`);
      if (all >= total)
        throw tooMany("Too many updates are followed at the moment. Ask for their progress instead.");
      count(userId, 1);
      until.addEventListener("abort", () => count(userId, -1), { once: true });
    },
  };
}

function tooMany(message: string): HeliostatError {
  return new HeliostatError("too-many-streams", message);
}
