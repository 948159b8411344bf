import { Duplex } from "node:stream";
import type { RemoteAccess } from "../../app/ports.ts";
import { lastLines } from "../../domain/plain-text.ts";
import { hostOf } from "../../domain/remote-url.ts";
import { closedError } from "../remote-errors.ts";
import { stoppedBy } from "../stopped-by.ts";
import { judgeFirstWords, noiseError } from "./first-words.ts";
import type { SshChannel } from "./ssh-connections.ts";
import { commandError } from "./ssh-refusal.ts";

const STDERR_TAIL = 8 * 1024;
/** Large enough to keep a quick connection busy while git looks away. */
const BUFFER = 1024 * 1024;
/** What is printed before Git is waited for so long, to be quoted, and read so far. */
const NOISE_MS = 300;
const MAX_NOISE = 4 * 1024;

/**
 * The two directions of a command at the remote as one stream, at the pace of both sides. It ends only when the command
 * has ended well; when that fails, or the connection does, the stream fails with an error of ours. What begins with
 * anything but Git is not handed on: neither git nor our own readers could say what it is. Destroying the stream ends the
 * command and gives the channel back.
 */
export function converseOver(
  { channel, connection, release }: SshChannel,
  remote: RemoteAccess,
  signal: AbortSignal,
): Duplex {
  const host = hostOf(remote.url);
  let stderr = "";
  let hasReceived = false;
  let hasEnded = false;
  /** What came first, until it is known to be Git; null from then on. */
  let head: Buffer | null = Buffer.alloc(0);
  let noiseTimer: NodeJS.Timeout | undefined;

  const cancel = () => duplex.destroy(stoppedBy(signal));
  const forgetEnd = connection.onEnd(() => duplex.destroy(connection.failure() ?? closedError(host)));

  const duplex = new Duplex({
    readableHighWaterMark: BUFFER,
    read: () => channel.resume(),
    write(chunk: Buffer, _encoding, done) {
      const before = connection.bytesSent();
      channel.write(chunk, () => connection.whenSent(before, chunk.length, done));
    },
    final(done) {
      // No more is sent; the remote may have more to say.
      channel.end();
      done();
    },
    destroy(error, done) {
      signal.removeEventListener("abort", cancel);
      forgetEnd();
      clearTimeout(noiseTimer);
      release();
      done(error);
    },
  });

  /** The head and what follows, once it is known to be Git; until then null. */
  function listen(chunk: Buffer): Buffer | null {
    if (head === null) return chunk;
    const bytes = Buffer.concat([head, chunk]);
    const verdict = judgeFirstWords(bytes);
    head = verdict === "git" ? null : bytes;
    if (verdict === "git") return bytes;
    const fail = () => duplex.destroy(noiseError((head ?? bytes).toString("utf8"), remote, host));
    if (verdict === "noise" && bytes.length >= MAX_NOISE) fail();
    else if (verdict === "noise") noiseTimer ??= setTimeout(fail, NOISE_MS);
    return null;
  }

  // It may fail before whoever asked for it listens; who listens hears it too.
  duplex.on("error", () => {});
  channel.on("data", (chunk: Buffer) => {
    hasReceived = true;
    const bytes = listen(chunk);
    if (bytes !== null && !duplex.push(bytes)) channel.pause();
  });
  channel.stderr.on("data", (chunk: Buffer) => {
    stderr = lastLines(stderr + chunk.toString("utf8"), STDERR_TAIL);
  });
  channel.on("error", (error: Error) => duplex.destroy(error));
  channel.once("close", (code: unknown, signalName: unknown) => {
    if (hasEnded || duplex.destroyed) return;
    hasEnded = true;
    const failure = connection.failure();
    if (failure !== null) {
      duplex.destroy(failure);
      return;
    }
    // Some servers do not tell how it ended. Then words where there should be an answer are a refusal.
    const isGood =
      typeof code === "number" ? code === 0 : signalName === undefined && (hasReceived || stderr === "");
    const noise = head?.toString("utf8") ?? "";
    if (isGood && noise === "") duplex.push(null);
    else if (isGood) duplex.destroy(noiseError(noise, remote, host));
    else {
      const exit = {
        code: typeof code === "number" ? code : null,
        signalName: typeof signalName === "string" ? signalName : null,
        // Some refuse on the wrong channel.
        stderr: lastLines(`${stderr}\n${noise}`, STDERR_TAIL),
      };
      const error = commandError(exit, remote, host);
      const isUnclear = noise !== "" && error.code === "remote-closed";
      duplex.destroy(isUnclear ? noiseError(noise, remote, host) : error);
    }
  });
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  return duplex;
}
