import type { ErrorCode } from "@heliostat/contract";

/** What is remembered of a host that did not answer. */
export interface HostTrouble {
  /** In a row. */
  readonly failures: number;
  readonly lastError: string;
  readonly failingSince: Date;
  /** Null: its mirrors run as ever. Once it is over, one mirror at a time may try the host. */
  readonly pausedUntil: Date | null;
}

/** As many failures in a row may be a hiccup; the last of them pauses the host. */
const PAUSE_AFTER = 3;
const FIRST_PAUSE_SECONDS = 60;
const LONGEST_PAUSE_SECONDS = 600;
/** A host that asks for more is asked again after this: its mirrors are not to be lost to a typing error. */
const LONGEST_RETRY_AFTER_SECONDS = 3600;

/** The host did not answer: it would have answered no other mirror either. */
export const SILENT_CODES: ReadonlySet<ErrorCode> = new Set([
  "remote-unreachable",
  "remote-timeout",
  "remote-closed",
]);
const ANSWERED: ReadonlySet<ErrorCode> = new Set([
  "remote-redirects",
  "remote-not-found",
  "remote-not-git",
  "remote-noise",
  "remote-too-large",
  "remote-tls",
  "remote-credential",
  "remote-forbidden",
  "object-format-mismatch",
  "remote-lacks-object",
]);

/**
 * What a failed run says of its host: `silence` it does not answer, `answer` it does; null: nothing. `busy`: it asks to
 * be left alone, as after silence, but may mean this repository only. So that one of them cannot keep a host paused for
 * ever, its mirror backs off by itself besides.
 */
export function hostSignOf(code: ErrorCode): "answer" | "silence" | "busy" | null {
  if (code === "remote-busy") return "busy";
  if (SILENT_CODES.has(code)) return "silence";
  return ANSWERED.has(code) ? "answer" : null;
}

/**
 * What is known of a host after one more failure of the network kind.
 * - The third in a row pauses it for a minute; each failed probe doubles that, up to ten minutes.
 * - What the host asks for itself (`Retry-After`) pauses it at once, and longer if need be.
 * - While it is paused, only its probes count: what was under way when the pause began says nothing new.
 */
export function addHostFailure(
  before: HostTrouble | null,
  failure: {
    readonly error: string;
    readonly now: Date;
    readonly isProbe: boolean;
    readonly retryAfterSeconds?: number | undefined;
  },
): HostTrouble {
  const wasPaused = before !== null && before.pausedUntil !== null;
  const counts = !wasPaused || failure.isProbe;
  const failures = (before?.failures ?? 0) + (counts ? 1 : 0);
  const asked = Math.min(failure.retryAfterSeconds ?? 0, LONGEST_RETRY_AFTER_SECONDS);
  const own = counts && (wasPaused || failures >= PAUSE_AFTER) ? pauseSeconds(failures) : 0;
  const until = new Date(failure.now.getTime() + Math.max(asked, own) * 1000);
  return {
    failures,
    lastError: failure.error,
    failingSince: before?.failingSince ?? failure.now,
    pausedUntil:
      asked > 0 || own > 0 ? latest(before?.pausedUntil ?? null, until) : (before?.pausedUntil ?? null),
  };
}

function pauseSeconds(failures: number): number {
  return Math.min(FIRST_PAUSE_SECONDS * 2 ** Math.max(0, failures - PAUSE_AFTER), LONGEST_PAUSE_SECONDS);
}

function latest(a: Date | null, b: Date): Date {
  return a !== null && a > b ? a : b;
}
