import { Duplex } from "node:stream";
import type { RemoteAccess } from "../../app/ports.ts";
import { lastLines } from "../../domain/plain-text.ts";
import { hostOf } from "../../domain/remote-url.ts";
import { closedError } from "../remote-errors.ts";
import { stoppedBy } from "./ssh-connection.ts";
import type { SshChannel } from "./ssh-connections.ts";
import { commandError } from "./ssh-refusal.ts";

const STDERR_TAIL = 8 * 1024;
/** Large enough to keep a quick connection busy while git looks away. */
const BUFFER = 1024 * 1024;

/**
 * The two directions of a command at the remote as one stream, at the pace of both sides. It ends only when the command
 * has ended well; when that fails, or the connection does, the stream fails with an error of ours. Destroying it ends
 * the command and gives the channel back.
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
      release();
      done(error);
    },
  });

  channel.on("data", (chunk: Buffer) => {
    hasReceived = true;
    if (!duplex.push(chunk)) channel.pause();
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
    if (isGood) duplex.push(null);
    else {
      const exit = {
        code: typeof code === "number" ? code : null,
        signalName: typeof signalName === "string" ? signalName : null,
        stderr,
      };
      duplex.destroy(commandError(exit, remote, host));
    }
  });
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  return duplex;
}
