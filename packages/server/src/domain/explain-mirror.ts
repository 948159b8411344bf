import type { MirrorWaitingFor } from "@heliostat/contract";
import type { Mirror } from "./mirror.ts";
import type { Hindrance } from "./mirroring-switches.ts";
import { HARD_FAILURE_AFTER } from "./schedule.ts";

/** What is known of a mirror and of what else runs, at one moment. */
export interface MirrorFacts {
  readonly now: Date;
  readonly mirror: Pick<
    Mirror,
    "direction" | "updateStatus" | "retryCount" | "requestedAt" | "nextCheckAt" | "lastUpdateStartedAt"
  >;
  /** The switch that keeps it from running; null: none does. */
  readonly hindrance: Hindrance | null;
  readonly host: string;
  /** Its host does not answer, and is left alone until then. */
  readonly hostPausedUntil: Date | null;
  /** A secret of it cannot be read: its key is lost. */
  readonly needsSecret: boolean;
  readonly places: UpdatePlaces;
}

/** Updates that run, of all nodes, and how many may. */
export interface UpdatePlaces {
  readonly pulls: number;
  readonly maxPulls: number;
  readonly ofHost: number;
  readonly maxOfHost: number;
}

/** Why a mirror does what it does now. */
export interface MirrorExplanation {
  readonly waitingFor: MirrorWaitingFor;
  /** A sentence or two for a person. */
  readonly sentence: string;
  /** What they can do about it; null: nothing is to be done. */
  readonly fix: string | null;
  /** When it was, or is, to be looked at or run by its schedule or a wish; null: not by itself. */
  readonly dueAt: Date | null;
  /** When what it waits for is over, as far as is known. */
  readonly until: Date | null;
  /** Seconds since it was due, while it has not begun; 0: it is not late. */
  readonly lateBySeconds: number;
}

const SWITCHED_OFF: Readonly<Record<Hindrance, readonly [sentence: string, fix: string]>> = {
  disabled: ["The mirror is switched off.", "Switch it on."],
  archived: ["The project is archived, and so read-only.", "Unarchive the project."],
  "silent-mode": [
    "Silent Mode is on: nothing is mirrored.",
    "An administrator switches it off, and it goes on from there.",
  ],
  unavailable: [
    "Mirroring is switched off for this instance.",
    "An administrator allows it, for all or for this project.",
  ],
};

/**
 * Why the mirror is not running, or is late: what keeps it at all before what it waits for, and that before the time
 * that has not come. A mirror that is due and waits for nothing is taken up by the next free node.
 */
export function explainMirror(facts: MirrorFacts): MirrorExplanation {
  const { mirror, now, hindrance, hostPausedUntil, places, host } = facts;
  // What a switch keeps from running is due at no time.
  const dueAt = hindrance === null ? earlier(mirror.requestedAt, mirror.nextCheckAt) : null;
  const late = dueAt === null ? 0 : Math.max(0, Math.floor((now.getTime() - dueAt.getTime()) / 1000));
  const say = (
    waitingFor: MirrorWaitingFor,
    sentence: string,
    { fix = null, until = null, lateBySeconds = 0 }: Partial<MirrorExplanation> = {},
  ): MirrorExplanation => ({ waitingFor, sentence, fix, dueAt, until, lateBySeconds });

  if (mirror.updateStatus === "started") {
    return say("end-of-run", "An update is running. What is asked for now runs after it.");
  }
  if (hindrance !== null) {
    const [sentence, fix] = SWITCHED_OFF[hindrance];
    return say(hindrance, sentence, { fix });
  }
  if (facts.needsSecret) {
    return say("secret", "The key that sealed its secret is lost, so nobody can sign in for it.", {
      fix: "Enter its password, token or key again.",
    });
  }
  if (mirror.direction === "pull" && mirror.retryCount > HARD_FAILURE_AFTER && mirror.requestedAt === null) {
    return say("resume", `It failed ${mirror.retryCount} times in a row and is paused.`, {
      fix: "Mend what its last error says, and resume it.",
    });
  }
  if (dueAt === null) {
    return say("change", "It has nothing to do until something changes here, or somebody starts it.");
  }
  const isPaused = hostPausedUntil !== null && (hostPausedUntil > now || late > 0);
  if (isPaused && (dueAt <= now || dueAt < hostPausedUntil)) {
    return say("host", `${host} does not answer and is left alone for a while. One mirror tries it then.`, {
      fix: "See that the host can be reached from here. Starting a mirror by hand tries it at once.",
      until: hostPausedUntil,
      lateBySeconds: late,
    });
  }
  if (dueAt > now) {
    const what =
      mirror.requestedAt !== null && dueAt === mirror.requestedAt ? "update" : "look at the remote";
    return say("time", `The next ${what} is not due yet.`, { until: dueAt });
  }
  if (mirror.direction === "pull" && places.pulls >= places.maxPulls) {
    return say("capacity", `${places.pulls} pull updates run, which is as many as may run.`, {
      fix: "An administrator raises mirror_max_capacity, or waits.",
      lateBySeconds: late,
    });
  }
  if (places.ofHost >= places.maxOfHost) {
    return say("host-capacity", `${places.ofHost} updates run with ${host}, which is as many as may run.`, {
      fix: "An administrator raises mirror_max_updates_per_host, or waits.",
      lateBySeconds: late,
    });
  }
  return say("node", "It is due, and the next free worker takes it up.", { lateBySeconds: late });
}

function earlier(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b;
  return a <= b ? a : b;
}
