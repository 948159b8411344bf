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

/**
 * What an error says of the way to the host:
 * - `answer`: the host was there, and said something that did not please us;
 * - `busy`: it was there, and asks to be left alone;
 * - `hung-up`: it was reached, and did not answer;
 * - `unreached`: nothing came back from its address;
 * - `proxy`: the proxy in front of it failed, which says nothing of the host;
 * - `unasked`: the trouble is ours.
 */
type Sign = "answer" | "busy" | "hung-up" | "unreached" | "proxy" | "unasked";

/** Each code by name: whoever makes a new one has to say what it means for the host. */
const SIGNS: Readonly<Record<ErrorCode, Sign>> = {
  "remote-unreachable": "unreached",
  "remote-timeout": "unreached",
  "remote-closed": "hung-up",
  "remote-busy": "busy",
  "remote-proxy": "proxy",

  "remote-redirects": "answer",
  "preview-failed": "unasked",
  "remote-not-found": "answer",
  "remote-not-git": "answer",
  "remote-noise": "answer",
  "remote-too-large": "answer",
  "remote-tls": "answer",
  "remote-not-ssh": "answer",
  "ssh-algorithms": "answer",
  "ssh-key-refused": "answer",
  "host-key-missing": "answer",
  "host-key-changed": "answer",
  "host-key-revoked": "answer",
  "remote-credential": "answer",
  "remote-forbidden": "answer",
  "object-format-mismatch": "answer",
  "repository-too-large": "answer",
  "too-many-refs": "answer",
  "remote-lacks-object": "answer",
  "fsck-refused": "answer",

  "config-invalid": "unasked",
  "data-dir-in-use": "unasked",
  "database-version": "unasked",
  "database-unavailable": "unasked",
  "listen-failed": "unasked",
  "git-too-old": "unasked",
  "git-missing": "unasked",
  "parameter-invalid": "unasked",
  "model-invalid": "unasked",
  "protection-invalid": "unasked",
  "push-malformed": "unasked",
  unauthenticated: "unasked",
  "token-invalid": "unasked",
  "sign-in-refused": "unasked",
  "second-factor-needed": "unasked",
  "password-not-enough": "unasked",
  "provider-unreachable": "unasked",
  "provider-misconfigured": "unasked",
  "provider-refused": "unasked",
  "sign-in-expired": "unasked",
  "sign-in-untrusted": "unasked",
  "insufficient-scope": "unasked",
  forbidden: "unasked",
  "not-found": "unasked",
  conflict: "unasked",
  "mirror-on-pause": "unasked",
  "too-many-streams": "unasked",
  "too-many-scans": "unasked",
  "too-many-tests": "unasked",
  "too-many-starts": "unasked",
  "too-many-archives": "unasked",
  "too-many-deliveries": "unasked",
  "hook-test-failed": "unasked",
  "tree-unsafe": "unasked",
  "too-many-sign-ins": "unasked",
  "too-many-requests": "unasked",
  "hook-refused": "unasked",
  "hook-replayed": "unasked",
  "csrf-refused": "unasked",
  "server-busy": "unasked",
  "account-blocked": "unasked",
  "oid-invalid": "unasked",
  "ref-name-invalid": "unasked",
  "refspec-invalid": "unasked",
  "url-invalid": "unasked",
  "url-blocked": "unasked",
  "ref-changed": "unasked",
  "repository-corrupt": "unasked",
  "disk-full": "unasked",
  "git-failed": "unasked",
  "output-too-large": "unasked",
  cancelled: "unasked",
  "timed-out": "unasked",
  "secret-unreadable": "unasked",
  bug: "unasked",
};

/** The host did not answer: it would have answered no other mirror either. */
export const SILENT_CODES: readonly ErrorCode[] = (Object.keys(SIGNS) as ErrorCode[]).filter(
  (code) => SIGNS[code] === "unreached" || SIGNS[code] === "hung-up",
);

/**
 * What a failed run says of its host: `silence` it does not answer, `answer` it does; null: nothing. `busy`: it asks to
 * be left alone, as after silence, but may mean this repository only. So that one of them cannot keep a host paused for
 * ever, its mirror backs off by itself besides.
 */
export function hostSignOf(code: ErrorCode): "answer" | "silence" | "busy" | null {
  const sign = SIGNS[code];
  if (sign === "answer" || sign === "busy") return sign;
  return SILENT_CODES.includes(code) ? "silence" : null;
}

/** Whether somebody was there at the host's address. */
export function wasReached(code: ErrorCode): boolean {
  return ["answer", "busy", "hung-up"].includes(SIGNS[code]);
}

/** Whether another address of the same host may do better. */
export function mayBeOfAddress(code: ErrorCode): boolean {
  return SIGNS[code] === "unreached" || SIGNS[code] === "proxy";
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
