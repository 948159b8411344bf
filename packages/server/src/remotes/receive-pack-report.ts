import { HeliostatError } from "../domain/errors.ts";
import { createPacketDecoder, createPktLineDecoder } from "./pkt-line.ts";

/** What a remote says became of one ref. All text as bytes (latin1), unchecked. */
export type RefReport =
  | { readonly isOk: false; readonly reason: string }
  /** A hook of the remote's may have taken the push and done something else: see `report-status-v2`. */
  | { readonly isOk: true; readonly otherRef: string | null; readonly otherOid: string | null };

export interface PushReport {
  /** `ok`, or what went wrong with the pack. */
  readonly unpack: string;
  readonly refs: ReadonlyMap<string, RefReport>;
  /** The lines that the remote told people, unchecked, with the secrets that it may have echoed. */
  readonly lines: readonly string[];
}

interface ReportReader {
  push(chunk: Buffer): void;
  /** Null: the report is not whole. */
  end(): PushReport | null;
}

/** As much as is kept of what a remote tells people. */
const MAX_WORDS = 16 * 1024;
const UTF8 = new TextDecoder();

/**
 * Reads the answer to a push: `unpack`, then `ok` or `ng` for each ref, as lines or, with `side-band-64k`, as the first
 * of three bands; the second is for people, the third says why the remote gives up, and `refuse` makes an error of it.
 * An empty packet in any band is a sign of life.
 */
export function createReportReader(options: {
  readonly hasSideBand: boolean;
  readonly maxRefs: number;
  readonly refuse: (text: string) => HeliostatError;
}): ReportReader {
  let unpack: string | null = null;
  let last: string | null = null;
  let isWhole = false;
  const refs = new Map<string, RefReport>();
  let said = "";

  function readLine(line: string): void {
    if (isWhole) throw notReport();
    const [word = "", rest = ""] = cut(line);
    if (unpack === null) {
      if (word !== "unpack") throw notReport();
      unpack = rest;
    } else if (word === "ok") {
      last = rest;
      refs.set(rest, { isOk: true, otherRef: null, otherOid: null });
    } else if (word === "ng") {
      last = null;
      const [ref, reason] = cut(rest);
      refs.set(ref, { isOk: false, reason });
    } else if (word === "option") {
      readOption(rest);
    } else {
      throw notReport();
    }
    if (refs.size > options.maxRefs) throw notReport();
  }

  function readOption(option: string): void {
    const report = last === null ? undefined : refs.get(last);
    if (last === null || report?.isOk !== true) return;
    const [name, value] = cut(option);
    if (name === "refname") refs.set(last, { ...report, otherRef: value });
    else if (name === "new-oid") refs.set(last, { ...report, otherOid: value });
  }

  const report = createPktLineDecoder({
    line: readLine,
    control(kind) {
      if (kind !== "flush" || unpack === null) throw notReport();
      isWhole = true;
    },
    refused: (text) => {
      throw options.refuse(text);
    },
  });

  const bands = createPacketDecoder({
    packet(bytes) {
      const data = bytes.subarray(1);
      switch (bytes[0]) {
        case 1:
          report.push(data);
          return;
        case 2:
          if (said.length < MAX_WORDS) said += data.toString("latin1");
          return;
        case 3:
          throw options.refuse(data.toString("latin1"));
        default:
          throw notReport();
      }
    },
    control(kind) {
      if (kind !== "flush") throw notReport();
    },
  });

  const answer = options.hasSideBand ? bands : report;
  return {
    push: (chunk) => answer.push(chunk),
    end: () => (isWhole && unpack !== null ? { unpack, refs, lines: readLines(said) } : null),
  };
}

/** Lines that end in a carriage return are progress, and were overwritten by what followed. */
function readLines(said: string): readonly string[] {
  return decodeBytes(said)
    .split(/\r?\n/)
    .map((line) => line.slice(line.lastIndexOf("\r") + 1).trim())
    .filter((line) => line !== "");
}

/** Text that was kept a character for each byte. */
export function decodeBytes(bytes: string): string {
  return UTF8.decode(Buffer.from(bytes, "latin1"));
}

function cut(text: string): [string, string] {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function notReport(): HeliostatError {
  return new HeliostatError("remote-not-git", "The remote's answer to the push is not what Git answers.");
}
