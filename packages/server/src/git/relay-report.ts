import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** What is put in the place of git's own words. */
export interface ReportChanges {
  /** For the pusher to read, in front of the report. */
  readonly lines: readonly string[];
  /** The reason that a ref is refused for, given git's; null: git's stands. */
  readonly reasonOf: (ref: string, reason: string) => string | null;
}

export interface ReportRelay {
  /** Resolves when git's output is over; its report is held back. */
  readonly ended: Promise<void>;
  /** What is left of the answer: our lines, the report, and the end. */
  finish(changes: ReportChanges): Buffer;
  /** From now on nothing is written: nobody listens any more. */
  detach(): void;
}

/** A packet may have 65,520 bytes; five of them are its length and its band. */
const MOST_IN_BAND = 65_515;
const REPORT_BAND = 1;
const MESSAGE_BAND = 2;

/**
 * Carries what `git receive-pack` says to a client, messages as they come, and holds its report back until it is known
 * which rules refused what: git itself only knows that a hook did. In band 1 there is nothing but the report.
 */
export function relayReport(stdout: Readable, output: Writable, hasSideBand: boolean): ReportRelay {
  let frames: Buffer = Buffer.alloc(0);
  let isDetached = false;
  let isStrange = false;
  let hasEnd = false;
  const report: Buffer[] = [];

  const pass = async (chunk: Buffer): Promise<void> => {
    if (isDetached || output.destroyed) return;
    if (output.write(chunk)) return;
    const waited = new AbortController();
    await Promise.race([
      once(output, "drain", { signal: waited.signal }),
      once(output, "close", { signal: waited.signal }),
      detached,
    ]).catch(() => {});
    waited.abort();
  };
  let detach = (): void => {};
  const detached = new Promise<void>((resolve) => {
    detach = () => {
      isDetached = true;
      resolve();
    };
  });

  const take = async (chunk: Buffer): Promise<void> => {
    if (!hasSideBand) {
      report.push(chunk);
      return;
    }
    frames = frames.length === 0 ? chunk : Buffer.concat([frames, chunk]);
    while (!isStrange && frames.length >= 4) {
      const length = Number.parseInt(frames.toString("latin1", 0, 4), 16);
      if (length === 0) {
        hasEnd = true;
        frames = frames.subarray(4);
        continue;
      }
      isStrange = !(length > 4);
      if (isStrange || frames.length < length) break;
      const frame = frames.subarray(0, length);
      frames = frames.subarray(length);
      // An empty one says only that git is alive, which the client must hear in time.
      if (frame[4] === REPORT_BAND && length > 5) report.push(frame.subarray(5));
      else await pass(frame);
    }
    if (!isStrange) return;
    await pass(frames);
    frames = Buffer.alloc(0);
  };

  return {
    ended: (async () => {
      for await (const chunk of stdout) await take(chunk as Buffer);
    })().catch(() => {}),
    finish({ lines, reasonOf }) {
      const changed = changeReport(Buffer.concat(report), reasonOf);
      if (!hasSideBand) return changed;
      const text = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      return Buffer.concat([
        ...inBand(MESSAGE_BAND, text),
        ...inBand(REPORT_BAND, changed),
        frames,
        ...(hasEnd ? [Buffer.from("0000")] : []),
      ]);
    },
    detach: () => detach(),
  };
}

function inBand(band: number, content: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < content.length; at += MOST_IN_BAND) {
    packets.push(packet(Buffer.concat([Buffer.from([band]), content.subarray(at, at + MOST_IN_BAND)])));
  }
  return packets;
}

function packet(content: Buffer): Buffer {
  const length = (content.length + 4).toString(16).padStart(4, "0");
  return Buffer.concat([Buffer.from(length), content]);
}

/** The report with other reasons; one that is not what git writes stays as it is. */
function changeReport(report: Buffer, reasonOf: ReportChanges["reasonOf"]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 4 <= report.length) {
    const length = Number.parseInt(report.toString("latin1", at, at + 4), 16);
    if (length === 0) {
      parts.push(report.subarray(at, at + 4));
      at += 4;
      continue;
    }
    if (!(length > 4) || at + length > report.length) return report;
    parts.push(changeLine(report.subarray(at, at + length), reasonOf));
    at += length;
  }
  return at === report.length ? Buffer.concat(parts) : report;
}

/** `ng <ref> <reason>`: names have no spaces, and their bytes are kept as they are. */
function changeLine(line: Buffer, reasonOf: ReportChanges["reasonOf"]): Buffer {
  const content = line.subarray(4);
  if (content.toString("latin1", 0, 3) !== "ng ") return line;
  const space = content.indexOf(0x20, 3);
  if (space === -1) return line;
  const ref = content.toString("utf8", 3, space);
  const reason = reasonOf(ref, content.toString("utf8", space + 1).trimEnd());
  if (reason === null) return line;
  return packet(Buffer.concat([content.subarray(0, space + 1), Buffer.from(`${reason}\n`)]));
}
