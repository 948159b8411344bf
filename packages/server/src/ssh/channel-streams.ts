import type { Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import type { Connection, ServerChannel } from "ssh2";

/** Both directions of a client's command, at the pace of the slower side. */
export interface ChannelStreams {
  /** What the client sends. It ends when the client has said all, and is destroyed when the client goes away before. */
  readonly input: Readable;
  /** What the client gets. Ending it does not end the command: its exit code comes after. */
  readonly output: Writable;
  /** The client has said all, and need not be there any more: what is still to be said to it is dropped. */
  forgetClient(): void;
  /** The client is gone: nothing more comes in, nothing more goes out. */
  destroy(): void;
}

const BUFFER = 256 * 1024;

/** The streams of a channel. `hasSaidAll`: whether the client has ended its side. */
export function openChannelStreams(
  { channel, client, socket }: { channel: ServerChannel; client: Connection; socket: Socket },
  hasSaidAll: () => boolean,
): ChannelStreams {
  let isDeaf = false;
  let waiting: (() => void) | null = null;
  const goOn = (): void => {
    const done = waiting;
    waiting = null;
    done?.();
  };

  const input = new Readable({
    highWaterMark: BUFFER,
    read: () => channel.resume(),
  });
  const output = new Writable({
    highWaterMark: BUFFER,
    write(chunk: Buffer, _encoding, done) {
      if (isDeaf) return done();
      waiting = done;
      const before = socket.bytesWritten;
      socket.cork();
      // It calls back once the client's window has taken all of it. That alone bounds nothing: a client may open its
      // window as wide as it likes, and read nothing.
      channel.write(chunk, () => whenSent(before, chunk.length));
      socket.uncork();
    },
    destroy(error, done) {
      waiting = null;
      done(error);
    },
  });

  function whenSent(before: number, bytes: number): void {
    // In the middle of a key exchange the library keeps what it is given, however much that is.
    if (socket.bytesWritten - before < bytes) client.once("rekey", goOn);
    else if (socket.writableNeedDrain) socket.once("drain", goOn);
    else goOn();
  }

  // They may fail before whoever uses them listens; who listens hears it too.
  for (const stream of [input, output, channel, channel.stderr]) stream.on("error", () => {});
  channel.on("data", (chunk: Buffer) => {
    if (!input.push(chunk)) channel.pause();
  });
  channel.on("end", () => {
    // Also when the client is gone in the middle: then this is no end.
    if (hasSaidAll()) input.push(null);
    else input.destroy();
  });

  return {
    input,
    output,
    forgetClient() {
      isDeaf = true;
      goOn();
    },
    destroy() {
      output.destroy();
      input.destroy();
    },
  };
}
