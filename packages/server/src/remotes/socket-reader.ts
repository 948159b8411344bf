import type { Duplex } from "node:stream";

/** Reads the beginning of what comes over a socket, and leaves the rest to whoever takes over. */
export interface SocketReader {
  /** So many bytes; null when the other side ends before. */
  exactly(count: number): Promise<Buffer | null>;
  /** All bytes up to and with these; null when the other side ends before, or there are more than `max`. */
  through(end: string, max: number): Promise<Buffer | null>;
  /** To be called once, in the end: what was read too much is put back. */
  release(): void;
}

/**
 * By `readable` events, not `data`: the stream then flows again as soon as its next owner listens, and a server that
 * speaks first (SSH does) may have spoken by then.
 */
export function readSocket(socket: Duplex): SocketReader {
  let held = Buffer.alloc(0);

  async function more(): Promise<boolean> {
    const chunk: unknown = socket.read();
    if (Buffer.isBuffer(chunk)) {
      held = Buffer.concat([held, chunk]);
      return true;
    }
    if (socket.readableEnded || socket.destroyed) {
      if (socket.errored) throw socket.errored;
      return false;
    }
    await new Promise<void>((resolve, reject) => {
      const over = (error?: Error): void => {
        for (const event of ["readable", "end", "close"]) socket.off(event, over);
        socket.off("error", over);
        if (error instanceof Error) reject(error);
        else resolve();
      };
      for (const event of ["readable", "end", "close"]) socket.once(event, over);
      socket.once("error", over);
    });
    return true;
  }
  function take(count: number): Buffer {
    const taken = held.subarray(0, count);
    held = held.subarray(count);
    return taken;
  }

  return {
    async exactly(count) {
      while (held.length < count) if (!(await more())) return null;
      return take(count);
    },
    async through(end, max) {
      for (;;) {
        const at = held.indexOf(end);
        if (at !== -1) return take(at + end.length);
        if (held.length > max || !(await more())) return null;
      }
    },
    release() {
      if (held.length > 0) socket.unshift(held);
      held = Buffer.alloc(0);
    },
  };
}
