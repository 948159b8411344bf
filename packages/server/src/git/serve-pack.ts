import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { GitExchange, GitService } from "../app/git-exchange.ts";
import { connectInput } from "./connect-input.ts";
import type { ConfigLine } from "./environment.ts";
import { protocolEnv, RECEIVE_CONFIG } from "./receive-pack.ts";
import type { RememberedCapabilities } from "./remembered-capabilities.ts";
import { DEFAULT_PATIENCE } from "./remote-call.ts";
import type { Git, GitCall } from "./run-git.ts";

const MAX_ADVERTISEMENT_BYTES = 256 * 1024 * 1024;

/** How fetches are served, by whichever door. */
export const UPLOAD_CONFIG: readonly ConfigLine[] = [
  ["uploadpack.allowFilter", "true"],
  // What version 2 of the protocol allows in any case; build servers ask for a commit that was a tip a moment ago.
  ["uploadpack.allowReachableSHA1InWant", "true"],
];

/** The refs and capabilities that a client of this service is shown; refs of our own bookkeeping are not among them. */
export async function advertise(
  { git, capabilities }: { readonly git: Git; readonly capabilities: RememberedCapabilities },
  path: string,
  service: GitService,
  exchange: GitExchange,
): Promise<Buffer> {
  const ask = async (): Promise<Buffer> => {
    const { stdout } = await git.run({
      ...callFor(service, exchange, ["--http-backend-info-refs", path]),
      signal: exchange.signal,
      maxOutput: MAX_ADVERTISEMENT_BYTES,
    });
    return stdout;
  };
  const isVersion2 = service === "upload-pack" && exchange.protocol === "version=2";
  return isVersion2 ? await capabilities.read(path, ask) : await ask();
}

/**
 * One stateless exchange with a client that fetches: hands the request to git and git's answer to the client as they
 * come, at the pace of the slower side, and ends `output`. A client that goes away ends git.
 */
export async function servePack(
  git: Git,
  path: string,
  exchange: GitExchange,
  input: Readable,
  output: Writable,
): Promise<void> {
  const running = git.start({
    ...callFor("upload-pack", exchange, ["--stateless-rpc", path]),
    idleTimeoutMs: DEFAULT_PATIENCE.silenceSeconds * 1000,
  });
  const { stdout } = running;
  const onClientGone = (): void => {
    // It has the whole answer: git is only clearing up.
    if (!output.writableEnded) running.stop("aborted");
  };
  if (exchange.signal.aborted) onClientGone();
  exchange.signal.addEventListener("abort", onClientGone, { once: true });
  output.once("close", onClientGone);
  output.on("error", onClientGone);
  connectInput(input, running, onClientGone);
  stdout.pipe(output);

  const exit = await running.exited;
  exchange.signal.removeEventListener("abort", onClientGone);
  // Of an answer that was cut off the client must not believe that it is whole.
  if (exit.reason !== null) output.destroy();
  running.check(exit);
  if (!output.destroyed) await finished(output, { readable: false }).catch(() => {});
}

function callFor(service: GitService, exchange: GitExchange, args: readonly string[]): GitCall {
  const isFetch = service === "upload-pack";
  return {
    args: [service, ...(isFetch ? ["--strict"] : []), ...args],
    config: isFetch ? UPLOAD_CONFIG : RECEIVE_CONFIG,
    env: protocolEnv(exchange),
  };
}
