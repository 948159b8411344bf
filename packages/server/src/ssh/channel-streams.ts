import type { Socket } from "node:net";
import { Readable, type Writable } from "node:stream";
import type { Connection, ServerChannel } from "ssh2";
import { createPacedOutput, watchInputPace } from "../git-pace.ts";

/** Both directions of a client's command, at the pace of the slower side. */
export interface ChannelStreams {
  /** What the client sends. It ends when the client has said all, and is destroyed when the client goes away before. */
  readonly input: Readable;
  /** What the client gets. Ending it does not end the command: its exit code comes after. */
  readonly output: Writable;
  /** From now on the client has to get on with what it sends. Answers how to stop looking. */
  watchInput(): () => void;
  /** The client has said all, and need not be there any more: what is still to be said to it is dropped. */
  forgetClient(): void;
  /** The client is gone: nothing more comes in, nothing more goes out. */
  destroy(): void;
}

const BUFFER = 256 * 1024;

/** The pace that a client has to keep. */
export interface ChannelPace {
  /** How long it may take for the next 64 KiB of the answer, and until it has sent as much while it is waited for. */
  readonly answerMs: number;
  readonly questionMs: number;
  readonly onSlowAnswer: () => void;
  readonly onSlowQuestion: () => void;
}

/** The streams of a channel. `hasSaidAll`: whether the client has ended its side. */
export function openChannelStreams(
  { channel, client, socket }: { channel: ServerChannel; client: Connection; socket: Socket },
  hasSaidAll: () => boolean,
  pace: ChannelPace,
): ChannelStreams {
  let isDeaf = false;
  let received = 0;
  let sent = 0;
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
  const output = createPacedOutput({
    paceMs: pace.answerMs,
    send(piece, done) {
      if (isDeaf) return done();
      waiting = () => {
        sent += piece.length;
        done();
      };
      const before = socket.bytesWritten;
      socket.cork();
      // It calls back once the client's window has taken all of it. That alone bounds nothing: a client may open its
      // window as wide as it likes, and read nothing.
      channel.write(piece, () => whenSent(before, piece.length));
      socket.uncork();
    },
    onSlow: pace.onSlowAnswer,
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
    received += chunk.length;
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
    watchInput() {
      let seen = sent;
      const stop = watchInputPace({
        paceMs: pace.questionMs,
        received: () => received,
        isOurs() {
          // Git answers, and says something every few seconds while it works.
          const hasAnswered = sent !== seen;
          seen = sent;
          return hasAnswered || hasSaidAll() || input.readableLength >= input.readableHighWaterMark;
        },
        onSlow: pace.onSlowQuestion,
      });
      input.once("close", stop);
      return stop;
    },
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
