import type { Admission, TransferOptions } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { repositoryTooLarge } from "../domain/incoming-limits.ts";
import type { ConfigLine } from "./environment.ts";
import { fsckConfig } from "./fsck-config.ts";
import { measureFiles } from "./measure.ts";
import { readProgress } from "./progress.ts";
import type { ReceiveBounds } from "./receive-bounds.ts";
import type { Git, GitCall } from "./run-git.ts";

interface Arrival {
  /** Where git puts the objects: nothing else is there. */
  readonly objects: string;
  readonly admission: Admission | undefined;
  readonly bounds: ReceiveBounds;
  /** In this time a remote that has begun to send a pack must get on. */
  readonly stallMs: number;
}

const LOOK_MS = 100;
/** A modem's tenth. A remote that says nothing at all is found out by others. */
const LEAST_BYTES_PER_SECOND = 100;
/** Beside objects git writes files of its own: a list of refs is the longest. */
const OTHER_FILES_BYTES = 256 * 1024 * 1024;
/** The part of the memory that one object may take before git handles it in pieces: it may need several at a time. */
const OBJECT_SHARE = 8;
/** What git does itself when nobody tells it anything. */
const USUAL_BIG_FILE = 512 * 1024 * 1024;

/** More than any server has to tell of a transfer. */
const MAX_MESSAGES = 16 * 1024 * 1024;

const RECEIVING = /^Receiving objects:/;
const ARRIVED = /^Receiving objects:.* done\.$/;
/** What becomes of a process that writes a larger file than it may. */
const FILE_TOO_LARGE = /died of signal 25\b|File too large/;

/**
 * Runs a git that receives objects from a stranger, and keeps it within bounds: the system holds the memory of each
 * process and the length of each file; what arrives is looked at ten times a second, and the transfer is ended when it
 * is more than the admission allows (`repository-too-large`), or when it comes so slowly that it would hold a place of
 * others for hours (`remote-timeout`).
 */
export async function receive(
  git: Git,
  call: GitCall,
  arrival: Arrival,
  options: TransferOptions,
): Promise<void> {
  const { admission, bounds, objects } = arrival;
  const room = admission?.room ?? null;
  const broken = new AbortController();
  const watch = watchArrival(arrival, room, (reason) => broken.abort(reason));
  try {
    await git.run({
      ...call,
      config: [...(call.config ?? []), ...boundsConfig(arrival)],
      limits: {
        memoryBytes: bounds.memoryBytes,
        ...(room === null ? {} : { fileBytes: room + OTHER_FILES_BYTES }),
      },
      signal: AbortSignal.any([options.signal, broken.signal]),
      onStderrLine: (line) => {
        watch.onLine(line);
        call.onStderrLine?.(line);
      },
    });
    // What came between the last look and the end.
    if (room !== null && (await measureFiles(objects)) > room) throw tooLarge(admission);
  } catch (error) {
    if (options.signal.aborted) throw error;
    if (broken.signal.aborted) throw broken.signal.reason;
    if (room !== null && isFileTooLarge(error)) throw tooLarge(admission);
    throw error;
  } finally {
    watch.stop();
  }
}

/**
 * A pack stays the pack that came, however small: a few bytes of delta unpack into an object of any size. Only one
 * without objects goes to `unpack-objects` all the same.
 */
function boundsConfig({ admission, bounds }: Arrival): readonly ConfigLine[] {
  const bigFile = Math.min(USUAL_BIG_FILE, Math.floor(bounds.memoryBytes / OBJECT_SHARE));
  return [
    ["core.bigFileThreshold", String(bigFile)],
    ["fetch.unpackLimit", "1"],
    ...fsckConfig("fetch", admission?.limits.fsck ?? "off"),
  ];
}

function tooLarge(admission: Admission | undefined): HeliostatError {
  return repositoryTooLarge(admission?.limits.repositoryBytes ?? 0);
}

function isFileTooLarge(error: unknown): boolean {
  if (!(error instanceof HeliostatError)) return false;
  const { cause } = error;
  return FILE_TOO_LARGE.test(`${error.message} ${cause instanceof Error ? cause.message : ""}`);
}

function watchArrival(
  { objects, admission, stallMs }: Arrival,
  room: number | null,
  end: (reason: HeliostatError) => void,
): { onLine(line: string): void; stop(): void } {
  // By git's own count, which begins with its first object, or by what there is on disk, which a single one makes grow.
  let counted = 0;
  let mark: { readonly bytes: number; readonly at: number } | null = null;
  let hasArrived = false;
  let told = 0;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;

  const look = async (): Promise<void> => {
    const bytes = await measureFiles(objects);
    if (room !== null && bytes > room) return end(tooLarge(admission));
    const received = Math.max(bytes, counted);
    if (hasArrived || received === 0) return;
    const now = performance.now();
    if (mark === null || received - mark.bytes >= (LEAST_BYTES_PER_SECOND * stallMs) / 1000) {
      mark = { bytes: received, at: now };
    } else if (now - mark.at >= stallMs) {
      end(
        new HeliostatError(
          "remote-timeout",
          `The remote sends so slowly that the transfer was ended: less than ${LEAST_BYTES_PER_SECOND} bytes a second. It is tried again later.`,
        ),
      );
    }
  };
  const wait = (): void => {
    if (isOver) return;
    timer = setTimeout(() => {
      look().then(wait, wait);
    }, LOOK_MS);
  };
  wait();

  return {
    onLine(line) {
      told += line.length;
      if (told > MAX_MESSAGES) {
        end(new HeliostatError("remote-not-git", "The remote sends nothing but messages, without an end."));
      }
      hasArrived ||= ARRIVED.test(line);
      if (RECEIVING.test(line)) counted = Math.max(counted, readProgress(line)?.bytes ?? 0);
    },
    stop() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
