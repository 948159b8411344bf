import { HeliostatError } from "../domain/errors.ts";

/** The longest pkt-line, its four digits of length included. */
const MAX_PKT_LINE = 65_520;

/** Ends a request or an answer, or a list in one. */
export const FLUSH_PKT = "0000";
/** Stands between the parts of a request of version 2. */
export const DELIM_PKT = "0001";

/** Who gets what a decoder finds, in order. Throwing stops the decoder. */
export interface PktLineSink {
  /** One line without its newline. Each character stands for one byte (latin1): ref names are decoded by their reader. */
  line(text: string): void;
  control(kind: "flush" | "delim" | "response-end"): void;
  /** The text of an `ERR` line: the remote refuses, and ends the conversation. */
  refused(text: string): never;
}

/** Who gets the packets of a decoder, in order, as bytes that are valid until it returns or throws. */
interface PacketSink extends Pick<PktLineSink, "control"> {
  packet(bytes: Buffer): void;
}

interface PktLineDecoder {
  push(chunk: Buffer): void;
  /** True between two pkt-lines, where alone a stream may end. */
  isAtBoundary(): boolean;
}

const CONTROLS = ["flush", "delim", "response-end"] as const;

/** Frames one line, a character for each byte (latin1); `bug` when it does not fit into a pkt-line. */
export function encodePktLine(text: string): string {
  const length = text.length + 4;
  if (length > MAX_PKT_LINE) throw new HeliostatError("bug", "a pkt-line to be sent is too long");
  return length.toString(16).padStart(4, "0") + text;
}

/** Cuts a stream into lines of text; otherwise as `createPacketDecoder`. */
export function createPktLineDecoder(sink: PktLineSink): PktLineDecoder {
  return createPacketDecoder({
    packet(bytes) {
      const text = bytes.toString("latin1", 0, bytes.length - (bytes.at(-1) === 0x0a ? 1 : 0));
      if (text.startsWith("ERR ")) sink.refused(text.slice(4));
      sink.line(text);
    },
    control: (kind) => sink.control(kind),
  });
}

/**
 * Cuts a stream into packets as it arrives; `remote-not-git` at the first byte that cannot be one. Strict where git
 * is: four hexadecimal digits, a length of 4 to 65520. A line in pieces is joined once, when it is whole: a remote that
 * sends it byte by byte must not cost us a copy per byte.
 */
export function createPacketDecoder(sink: PacketSink): PktLineDecoder {
  let pieces: Buffer[] = [];
  let held = 0;
  let wanted = 4;

  return {
    push(chunk) {
      held += chunk.length;
      if (held < wanted) {
        pieces.push(chunk);
        return;
      }
      const bytes = pieces.length === 0 ? chunk : Buffer.concat([...pieces, chunk], held);
      let at = 0;
      wanted = 4;
      while (bytes.length - at >= 4) {
        const length = readLength(bytes, at);
        const control = CONTROLS[length];
        if (control !== undefined) {
          at += 4;
          sink.control(control);
          continue;
        }
        if (bytes.length - at < length) {
          wanted = length;
          break;
        }
        sink.packet(bytes.subarray(at + 4, at + length));
        at += length;
      }
      held = bytes.length - at;
      pieces = held === 0 ? [] : [bytes.subarray(at)];
    },
    isAtBoundary: () => held === 0,
  };
}

function readLength(bytes: Buffer, at: number): number {
  let length = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = hexDigit(bytes[i] ?? 0);
    if (digit < 0) throw notPktLine(bytes, at);
    length = length * 16 + digit;
  }
  if (length === 3 || length > MAX_PKT_LINE) throw notPktLine(bytes, at);
  return length;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function notPktLine(bytes: Buffer, at: number): HeliostatError {
  const seen = JSON.stringify(bytes.toString("latin1", at, at + 4));
  return new HeliostatError("remote-not-git", `The remote does not speak Git: bad line length ${seen}.`);
}
