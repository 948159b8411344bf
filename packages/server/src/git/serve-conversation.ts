import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ConversationProgram, GitExchange } from "../app/git-exchange.ts";
import { readArchiveRequest } from "./archive-request.ts";
import { connectInput } from "./connect-input.ts";
import { protocolEnv } from "./receive-pack.ts";
import { DEFAULT_PATIENCE } from "./remote-call.ts";
import type { Git } from "./run-git.ts";
import { UPLOAD_CONFIG } from "./serve-pack.ts";

/**
 * A whole conversation of one client with one git, as it goes on over a connection of its own: the client may take its
 * time between question and answer, within the limit of silence. Streams both ways at the pace of the slower side, and
 * ends `output`. A client that goes away ends git. Rejects when git fails or is aborted.
 */
export async function serveConversation(
  git: Git,
  path: string,
  program: ConversationProgram,
  exchange: GitExchange,
  input: Readable,
  output: Writable,
): Promise<void> {
  const request =
    program === "upload-archive" ? await readArchiveRequest(git, path, input, exchange.signal) : null;
  const running = git.start({
    args: program === "upload-pack" ? [program, "--strict", path] : [program, path],
    config: UPLOAD_CONFIG,
    env: protocolEnv(exchange),
    idleTimeoutMs: DEFAULT_PATIENCE.silenceSeconds * 1000,
  });
  const { stdin, stdout } = running;
  const onClientGone = (): void => {
    if (!output.writableEnded) running.stop("aborted");
  };
  if (exchange.signal.aborted) onClientGone();
  exchange.signal.addEventListener("abort", onClientGone, { once: true });
  output.once("close", onClientGone);
  output.once("error", onClientGone);
  if (request !== null) stdin.write(request);
  connectInput(input, running, onClientGone);
  stdout.pipe(output);

  const exit = await running.exited;
  exchange.signal.removeEventListener("abort", onClientGone);
  // Of an answer that was cut off the client must not believe that it is whole.
  if (exit.reason !== null) output.destroy();
  running.check(exit);
  if (!output.destroyed) await finished(output, { readable: false }).catch(() => {});
}
