import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { GitExchange } from "../app/git-exchange.ts";
import type { OpenRepository, UseCases } from "../app/use-cases.ts";
import type { Principal } from "../domain/user.ts";
import type { SshProgram } from "./parse-command.ts";

const FLUSH_PACKET = "0000";

/** What a client has asked for and may have the answer to. */
export interface GitConversation {
  readonly program: SshProgram;
  readonly fullPath: string;
  readonly exchange: GitExchange;
  readonly input: Readable;
  readonly output: Writable;
  /** Called while git waits for what the client sends; answers how to stop looking. */
  readonly watchInput: () => () => void;
}

/** Lets a client speak with git until both are done. Rejects when it may not, or git fails or is aborted. */
export async function serveCommand(
  useCases: Pick<UseCases, "openRepository">,
  principal: Principal,
  conversation: GitConversation,
): Promise<void> {
  const { program, fullPath, exchange, input, output } = conversation;
  const service = program === "receive-pack" ? "receive-pack" : "upload-pack";
  const repository = await useCases.openRepository(principal, fullPath, service);
  if (program === "receive-pack") return await receivePush(repository, conversation);
  await inPace(conversation, () => repository.converse(program, input, output, exchange));
}

/**
 * A push in the two exchanges that it has over HTTP: while the client thinks about what it is shown, or decides that
 * there is nothing to push, nobody waits for its writes.
 */
async function receivePush(repository: OpenRepository, conversation: GitConversation): Promise<void> {
  const { exchange, input, output } = conversation;
  const refs = await repository.advertise(exchange);
  for await (const chunk of Buffer.isBuffer(refs) ? [refs] : refs) {
    if (!output.write(chunk)) await once(output, "drain", { signal: exchange.signal });
  }
  const first = await readFirst(input, exchange.signal);
  if (first === FLUSH_PACKET || first === "") return;
  await inPace(conversation, () => repository.serve(input, output, exchange));
}

async function inPace({ watchInput }: GitConversation, serve: () => Promise<void>): Promise<void> {
  const stopWatching = watchInput();
  try {
    await serve();
  } finally {
    stopWatching();
  }
}

/** The first four bytes, left in the stream: the length of the first line, or a flush packet. Empty: there are none. */
async function readFirst(input: Readable, signal: AbortSignal): Promise<string> {
  let read: Buffer = Buffer.alloc(0);
  for (;;) {
    // All that there is: while some of it stays in the stream, "readable" would come again at once, without end.
    const bytes: unknown = input.read();
    if (Buffer.isBuffer(bytes)) read = Buffer.concat([read, bytes]);
    if (read.length >= FLUSH_PACKET.length) {
      input.unshift(read);
      return read.toString("latin1", 0, FLUSH_PACKET.length);
    }
    if (input.readableEnded || input.destroyed) return "";
    if (bytes === null) await anyOf(input, ["readable", "end", "close"], signal);
  }
}

/** Waits for the first of these events, and forgets the others. */
async function anyOf(input: Readable, events: readonly string[], signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  try {
    const either = AbortSignal.any([signal, done.signal]);
    await Promise.race(events.map((event) => once(input, event, { signal: either })));
  } finally {
    done.abort();
  }
}
