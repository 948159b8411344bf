import { Writable } from "node:stream";

/*
 * What a client of git must take and send, by whichever door it comes: so much in each stretch of time, or it would have
 * a git, and the place of others, for as long as it likes. It is not the time without any byte that counts: that starts
 * anew with each byte, and a client that takes one now and then would be waited for for ever.
 */

/** As much in each stretch of time: a kilobyte a second in a minute. */
export const PACE_BYTES = 64 * 1024;

/** How long the next 64 KiB of an answer may take, and of what is asked to be fetched. */
export const FETCH_PACE_MS = 60_000;

/** And of a push: its client may have to compress what it sends. */
export const PUSH_PACE_MS = 300_000;

/** What of git's output waits for a client, beside what the connection holds. */
const WAITING_BYTES = 256 * 1024;

export interface PacedOutputOptions {
  readonly paceMs: number;
  /**
   * Hands the next 64 KiB at most to the client, and calls `done`, at once or later, when there is room for more; with an
   * error, to fail the stream.
   */
  readonly send: (piece: Buffer, done: (error?: Error) => void) => void;
  /** Called when the client takes longer than `paceMs` to make room. It is to end the stream. */
  readonly onSlow: () => void;
}

/** A stream to a client of git that must keep pace. */
export function createPacedOutput({ paceMs, send, onSlow }: PacedOutputOptions): Writable {
  let patience: NodeJS.Timeout | undefined;
  let isOver = false;

  function sendPiece(piece: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      patience = setTimeout(onSlow, paceMs);
      send(piece, (error) => {
        clearTimeout(patience);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  async function sendAll(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && !isOver; at += PACE_BYTES) {
      await sendPiece(chunk.subarray(at, at + PACE_BYTES));
    }
  }

  return new Writable({
    highWaterMark: WAITING_BYTES,
    write(chunk: Buffer, _encoding, callback) {
      sendAll(chunk).then(() => callback(), callback);
    },
    destroy(error, callback) {
      isOver = true;
      clearTimeout(patience);
      callback(error);
    },
  });
}

export interface InputPace {
  readonly paceMs: number;
  /** How many bytes have come from the client until now. */
  readonly received: () => number;
  /** Whether it is not the client that is waited for: it has said all, or we have not read what it said. */
  readonly isOurs: () => boolean;
  readonly onSlow: () => void;
}

/** Calls `onSlow` when too little came while nothing but the client was waited for. Answers how to stop looking. */
export function watchInputPace({ paceMs, received, isOurs, onSlow }: InputPace): () => void {
  let seen = received();
  const timer = setInterval(() => {
    const all = received();
    const isEnough = all - seen >= PACE_BYTES;
    seen = all;
    if (!isOurs() && !isEnough) onSlow();
  }, paceMs);
  return () => clearInterval(timer);
}
