import type { Readable } from "node:stream";
import type { PushRequest } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { parseOid } from "../domain/oid.ts";
import type { PushCommand } from "../domain/push-rules.ts";

export interface CommandList extends PushRequest {
  /** Whether messages and report come in bands. */
  readonly hasSideBand: boolean;
  /** All that was read, as it came: git must have it too. */
  readonly raw: Buffer;
}

/** A hundred bytes and more each: of a list of this length the names alone are some megabytes. */
const MOST_COMMANDS = 200_000;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_OPTIONS = 100;
/** They become the environment of hooks, which the system limits. */
const MOST_OPTION_BYTES = 16 * 1024;

/**
 * Reads the commands of a push, and its push options, up to the flush packet that ends them; what follows stays in the
 * stream. `push-malformed` for what git does not send, or more of it than is taken; `cancelled` when the client goes away.
 */
export async function readCommands(input: Readable, signal: AbortSignal): Promise<CommandList> {
  const packets = createPacketReader(input, signal);
  const commands: PushCommand[] = [];
  const seen = new Set<string>();
  let capabilities: ReadonlySet<string> | null = null;
  for (let line = await packets.next(); line !== null; line = await packets.next()) {
    const { text, features } = splitFeatures(line);
    if (features !== null) capabilities ??= new Set(features.split(" "));
    if (/^shallow [0-9a-f]{40,64}$/.test(text)) continue;
    if (text.startsWith("push-cert")) {
      throw malformed("Signed pushes are not taken here: push without --signed.");
    }
    const command = parseCommand(text);
    if (seen.has(command.ref)) throw malformed("The request is not what Git sends: it names a ref twice.");
    seen.add(command.ref);
    if (commands.push(command) > MOST_COMMANDS) {
      throw malformed(`A push may name ${MOST_COMMANDS} refs: push them in portions.`);
    }
  }
  const has = (name: string): boolean => capabilities?.has(name) === true;
  const options: string[] = [];
  if (commands.length > 0 && has("push-options")) {
    let bytes = 0;
    for (let line = await packets.next(); line !== null; line = await packets.next()) {
      bytes += line.length;
      if (options.push(textOf(line)) > MOST_OPTIONS || bytes > MOST_OPTION_BYTES) {
        throw malformed(
          `A push may have ${MOST_OPTIONS} push options, of ${MOST_OPTION_BYTES} bytes together.`,
        );
      }
    }
  }
  return { commands, options, hasSideBand: has("side-band-64k"), raw: packets.raw() };
}

function parseCommand(text: string): PushCommand {
  const [, old, oid, ref] =
    /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (.+)$/s.exec(text) ?? [];
  if (old === undefined || oid === undefined || ref === undefined || old.length !== oid.length) {
    throw malformed("The request is not what Git sends: a line is no command.");
  }
  return { ref, old: readOid(old), new: readOid(oid) };
}

function readOid(text: string): PushCommand["old"] {
  return /^0+$/.test(text) ? null : parseOid(text);
}

function splitFeatures(line: Buffer): { readonly text: string; readonly features: string | null } {
  const nul = line.indexOf(0);
  if (nul === -1) return { text: textOf(line), features: null };
  return { text: textOf(line.subarray(0, nul)), features: textOf(line.subarray(nul + 1)) };
}

function textOf(line: Buffer): string {
  const end = line.at(-1) === 0x0a ? line.length - 1 : line.length;
  return line.toString("utf8", 0, end);
}

interface PacketReader {
  /** The content of the next packet; null: a flush packet. */
  next(): Promise<Buffer | null>;
  /** All packets that were read, as they came. */
  raw(): Buffer;
}

function createPacketReader(input: Readable, signal: AbortSignal): PacketReader {
  const read: Buffer[] = [];
  let size = 0;
  let rest: Buffer = Buffer.alloc(0);

  /** At least so many bytes in `rest`. */
  const need = async (count: number): Promise<void> => {
    while (rest.length < count) {
      const chunk = await nextChunk(input, signal);
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    }
  };
  const take = (count: number): Buffer => {
    const taken = rest.subarray(0, count);
    rest = rest.subarray(count);
    read.push(taken);
    size += count;
    if (size > MOST_BYTES)
      throw malformed("The list of refs is longer than it may be: push them in portions.");
    return taken;
  };
  return {
    async next() {
      await need(4);
      const header = take(4).toString("latin1");
      const length = /^[0-9a-fA-F]{4}$/.test(header) ? Number.parseInt(header, 16) : Number.NaN;
      if (length === 0) {
        // Given back at once: a stream that has been read to its end takes nothing back a moment later.
        if (rest.length > 0) input.unshift(rest);
        rest = Buffer.alloc(0);
        return null;
      }
      if (!(length > 4 && length <= 65_520)) {
        throw malformed("The request is not what Git sends: its framing is broken.");
      }
      await need(length - 4);
      return take(length - 4);
    },
    raw: () => Buffer.concat(read),
  };
}

async function nextChunk(input: Readable, signal: AbortSignal): Promise<Buffer> {
  for (;;) {
    if (signal.aborted) throw gone();
    const chunk: unknown = input.read();
    if (Buffer.isBuffer(chunk)) return chunk;
    if (input.readableEnded || input.destroyed) throw gone();
    await new Promise<void>((resolve) => {
      const events = ["readable", "end", "close", "error"] as const;
      const done = (): void => {
        for (const event of events) input.off(event, done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      for (const event of events) input.once(event, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

function gone(): HeliostatError {
  return new HeliostatError("cancelled", "The client went away.");
}

function malformed(message: string): HeliostatError {
  return new HeliostatError("push-malformed", message);
}
