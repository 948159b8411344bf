import { HeliostatError } from "../../domain/errors.ts";
import { readStrings } from "../../domain/ssh-wire.ts";

/** What a server offers for the handshake, in its order. */
export interface HandshakeLists {
  readonly kex: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
}

/**
 * Reads along what a server says in the clear: lines before its identification (RFC 4253 allows them), the
 * identification, and the lists of its KEXINIT. States: `lines` → `packet` → `done`.
 */
export interface ServerHello {
  /** `remote-not-ssh` when it can be no SSH server: too much noise, a web server, an old protocol. */
  push(chunk: Buffer): void;
  /** Whether it has named itself as an SSH server. */
  hasIdentified(): boolean;
  /** Null until they are there. */
  lists(): HandshakeLists | null;
  /** The last line before the identification; empty when there is none. Unchecked text, of bounded length. */
  lastWords(): string;
}

/** A banner of a legal department has some 50 lines. RFC 4253 sets no limit. */
const MAX_NOISE_BYTES = 32 * 1024;
/** RFC 4253 6.1: what every implementation takes. */
const MAX_PACKET = 35_000;
const KEXINIT = 20;
/** Of the packet's length, of its padding, the message number and a cookie. */
const HEAD = 4 + 1 + 1 + 16;

/** Reads what a server says first. `remote-not-ssh`, with the host's name, for what no SSH server says. */
export function createServerHello(host: string): ServerHello {
  let state: "lines" | "packet" | "done" = "lines";
  let held: Buffer = Buffer.alloc(0);
  let noise = 0;
  let lastWords = "";
  let lists: HandshakeLists | null = null;

  const refuse = (why: string) => new HeliostatError("remote-not-ssh", `${host} ${why}`);

  function readLines(): void {
    for (;;) {
      const end = held.indexOf(0x0a);
      if (noise + (end < 0 ? held.length : end) > MAX_NOISE_BYTES) {
        throw refuse("does not speak SSH at this port: it says something else, and does not stop.");
      }
      if (end < 0) return;
      const line = held.toString("latin1", 0, end).replace(/\r$/, "");
      held = held.subarray(end + 1);
      if (line.startsWith("SSH-")) {
        if (!/^SSH-(?:2\.0|1\.99)-/.test(line)) throw refuse("speaks a version of SSH that is not 2.0.");
        state = "packet";
        return;
      }
      if (/^HTTP\/\d/.test(line)) {
        throw refuse(
          "answers as a web server at this port. Use the port of its SSH server, or an https:// URL.",
        );
      }
      noise += end + 1;
      // Whole, and bounded as the noise is: who quotes it looks for secrets first, and half of one is not known for one.
      if (line.trim() !== "") lastWords = line;
    }
  }

  function readPacket(): void {
    if (held.length < 4) return;
    const length = held.readUInt32BE(0);
    // What is wrong here is for the library to refuse.
    const isPacket = length >= HEAD && length <= MAX_PACKET;
    if (isPacket && held.length < 4 + length) return;
    if (isPacket && held[5] === KEXINIT) lists = readLists(held.subarray(HEAD, 4 + length));
    held = Buffer.alloc(0);
    state = "done";
  }

  return {
    push(chunk) {
      if (state === "done") return;
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      if (state === "lines") readLines();
      if (state === "packet") readPacket();
    },
    hasIdentified: () => state !== "lines",
    lists: () => lists,
    lastWords: () => lastWords,
  };
}

/** Both directions have lists of their own, which servers keep alike; ours are the same, so one is looked at. */
function readLists(bytes: Buffer): HandshakeLists | null {
  const read = readStrings(bytes, 0, 6);
  if (read === null) return null;
  const [kex = [], hostKeys = [], , ciphers = [], , macs = []] = read.values.map((list) =>
    list
      .toString("latin1")
      .split(",")
      .filter((name) => /^[\x21-\x7e]{1,64}$/.test(name)),
  );
  return { kex, hostKeys, ciphers, macs };
}
