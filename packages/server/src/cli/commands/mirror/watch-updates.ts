import { setTimeout } from "node:timers/promises";
import {
  type MirrorProgressAnswer,
  type MirrorUpdateEndAnswer,
  mirrorProgressSchema,
  mirrorUpdateEndSchema,
} from "@heliostat/contract/api/mirrors.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { UpdateProgress } from "../../../domain/mirror.ts";
import type { ApiClient } from "../../connection/api-client.ts";
import { describeProgress, showProgress } from "../../terminal/progress-line.ts";

export interface WatchOptions {
  /** API path of the mirror. */
  readonly path: string;
  /** Follow the first update with a higher id; null: the one that runs, else the next one. */
  readonly after: number | null;
  /** `bar`: a bar on a terminal, else lines on standard output; `json`: each event on a line; `bar-only`: no lines. */
  readonly show: "bar" | "bar-only" | "json";
  /** Ends it; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** Waiting times between attempts to reach the server again, in ms: it may be restarting. */
const RECONNECT_MS = [500, 1000, 2000, 4000, 8000, 15_000] as const;

/** A line of plain output for each phase, and in between no more often than this. */
const LINE_EVERY_MS = 5000;

/** Follows one update to its end and shows how far it is. A connection that is lost is taken up again. */
export async function watchUpdate(api: ApiClient, options: WatchOptions): Promise<MirrorUpdateEndAnswer> {
  const bar = showProgress(process.stderr);
  const lines = createLines();
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort(interrupted());
  process.once("SIGINT", onInterrupt);
  const signal = options.signal ? AbortSignal.any([options.signal, interrupt.signal]) : interrupt.signal;
  let lastEventId: string | null = null;
  let failures = 0;
  try {
    for (;;) {
      const path = `${options.path}/progress/stream${options.after === null ? "" : `?after=${options.after}`}`;
      try {
        for await (const { event, id, data } of api.stream(path, lastEventId, signal)) {
          failures = 0;
          lastEventId = id ?? lastEventId;
          if (options.show === "json" && event !== "error") {
            console.log(JSON.stringify({ event, ...asObject(data) }));
          }
          if (event === "end") return mirrorUpdateEndSchema.parse(data);
          if (event === "error") throw brokenOff(data);
          if (event !== "progress" || options.show === "json") continue;
          const progress = mirrorProgressSchema.parse(data);
          if (process.stderr.isTTY) bar.update(asShown(progress));
          else if (options.show === "bar") lines.tell(progress);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!isLostConnection(error)) throw error;
        if (failures >= RECONNECT_MS.length) throw error;
      }
      // Ended without an end: the server goes down, or the line was cut.
      const pause = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)];
      failures += 1;
      await setTimeout(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  } finally {
    process.off("SIGINT", onInterrupt);
    bar.clear();
  }
}

/** Ctrl-C: nobody watches any more, and that is all. */
function interrupted(): HeliostatError {
  return new HeliostatError(
    "cancelled",
    'Nobody watches any more; the update goes on. "heliostat mirror watch" takes it up again, "heliostat mirror cancel" ends it.',
  );
}

/** The mirror was removed, or who watches may no longer. */
function brokenOff(data: unknown): HeliostatError {
  const { message, error_description: description } = asObject(data) as Readonly<Record<string, unknown>>;
  const said = typeof message === "string" ? message : typeof description === "string" ? description : null;
  return said === null || said.startsWith("404 ")
    ? new HeliostatError("not-found", "The mirror was removed.")
    : new HeliostatError("forbidden", `The server ended the stream: ${said}`);
}

function isLostConnection(error: unknown): boolean {
  return error instanceof HeliostatError && error.kind === "transient";
}

function asObject(data: unknown): object {
  return typeof data === "object" && data !== null ? data : { data };
}

function asShown(progress: MirrorProgressAnswer): UpdateProgress {
  const { phase, done, total, bytes, bytes_per_second: bytesPerSecond } = progress;
  if (progress.update_id === null) return { ...NOTHING, phase: waitingText(progress) };
  return phase === null
    ? { ...NOTHING, phase: "Starting" }
    : { phase, done: done ?? 0, total, bytes, bytesPerSecond };
}

const NOTHING = { done: 0, total: null, bytes: null, bytesPerSecond: null } as const;

function waitingText({ status }: MirrorProgressAnswer): string {
  return status === "scheduled" || status === "to_retry"
    ? `The next update is ${status === "scheduled" ? "scheduled" : "to be tried again"}`
    : "Nothing runs; waiting for the next update";
}

/** Prints a line when something new begins, and now and then in between. */
function createLines(): { tell(progress: MirrorProgressAnswer): void } {
  let last = "";
  let lastAt = 0;
  return {
    tell(progress) {
      const shown = asShown(progress);
      const isEnd = shown.total !== null && shown.done >= shown.total;
      const key = `${shown.phase} ${isEnd}`;
      const now = performance.now();
      if (key === last && now - lastAt < LINE_EVERY_MS) return;
      last = key;
      lastAt = now;
      console.log(describeProgress(shown));
    },
  };
}
