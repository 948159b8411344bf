import type { Admission, TransferOptions } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { repositoryTooLarge } from "../domain/incoming-limits.ts";
import type { ConfigLine } from "./environment.ts";
import { fsckConfig } from "./fsck-config.ts";
import { measureFiles } from "./measure.ts";
import { readProgress } from "./progress.ts";
import type { ReceiveBounds } from "./receive-bounds.ts";
import type { Git, GitCall } from "./run-git.ts";

/** Why a transfer was ended that is to be made again without unpacking. */
const UNPACKS_TOO_MUCH = Symbol("unpacks too much");

interface Arrival {
  /** Where git puts the objects: nothing else is there. */
  readonly objects: string;
  readonly admission: Admission | undefined;
  readonly bounds: ReceiveBounds;
  /** In this time a remote that has begun to send a pack must get on. */
  readonly stallMs: number;
  /** Whether git may unpack what it receives. */
  readonly mayUnpack: boolean;
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

const RECEIVING = /^(Receiving|Unpacking) objects:/;
const ARRIVED = /^(Receiving|Unpacking) objects:.* done\.$/;
/** What becomes of a process that writes a larger file than it may. */
const FILE_TOO_LARGE = /died of signal 25\b|File too large/;

/**
 * Runs a git that receives objects from a stranger, and keeps it within bounds: the system holds the memory of each
 * process and the length of each file; what arrives is looked at ten times a second, and the transfer is ended when it
 * is more than the admission allows (`repository-too-large`), or when it comes so slowly that it would hold a place of
 * others for hours (`remote-timeout`).
 *
 * Answers `unpacks-too-much` when git has unpacked more than it may, where it may at all: a few bytes of delta are an
 * object of any size. What arrived is then of no use, and to be received again as the pack that it came in.
 */
export async function receive(
  git: Git,
  call: GitCall,
  arrival: Arrival,
  options: TransferOptions,
): Promise<"received" | "unpacks-too-much"> {
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
    return "received";
  } catch (error) {
    if (options.signal.aborted) throw error;
    if (broken.signal.reason === UNPACKS_TOO_MUCH) return "unpacks-too-much";
    if (broken.signal.aborted) throw broken.signal.reason;
    if (room !== null && isFileTooLarge(error)) throw tooLarge(admission);
    throw error;
  } finally {
    watch.stop();
  }
}

function boundsConfig({ admission, bounds, mayUnpack }: Arrival): readonly ConfigLine[] {
  const bigFile = Math.min(USUAL_BIG_FILE, Math.floor(bounds.memoryBytes / OBJECT_SHARE));
  return [
    ["core.bigFileThreshold", String(bigFile)],
    ...(mayUnpack ? [] : [["fetch.unpackLimit", "1"] as const]),
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
  { objects, admission, bounds, stallMs, mayUnpack }: Arrival,
  room: number | null,
  end: (reason: HeliostatError | typeof UNPACKS_TOO_MUCH) => void,
): { onLine(line: string): void; stop(): void } {
  let received: number | null = null;
  let mark = { bytes: 0, at: 0 };
  let isUnpacked = false;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;

  const look = async (): Promise<void> => {
    if (received !== null) {
      const now = performance.now();
      if (received - mark.bytes >= (LEAST_BYTES_PER_SECOND * stallMs) / 1000) {
        mark = { bytes: received, at: now };
      } else if (now - mark.at >= stallMs) {
        return end(
          new HeliostatError(
            "remote-timeout",
            `The remote sends so slowly that the transfer was ended: less than ${LEAST_BYTES_PER_SECOND} bytes a second. It is tried again later.`,
          ),
        );
      }
    }
    if (room === null && !(mayUnpack && isUnpacked)) return;
    const bytes = await measureFiles(objects);
    if (room !== null && bytes > room) end(tooLarge(admission));
    else if (mayUnpack && isUnpacked && bytes > bounds.unpackedBytes) end(UNPACKS_TOO_MUCH);
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
      isUnpacked ||= line.startsWith("Unpacking objects:");
      if (ARRIVED.test(line)) received = null;
      else if (RECEIVING.test(line)) {
        const bytes = readProgress(line)?.bytes ?? 0;
        if (received === null) mark = { bytes, at: performance.now() };
        received = Math.max(received ?? 0, bytes);
      }
    },
    stop() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
