import { stoppedBy } from "../stopped-by.ts";

/** Lets so many at a time shake hands with one server. */
export interface HandshakeDoor {
  /** Runs the work when there is room. Rejects with the signal's reason for who is stopped while it waits. */
  through<T>(server: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** A door through which `most` at a time go to each server. */
export function createHandshakeDoor(most: number): HandshakeDoor {
  const doors = new Map<string, { inside: number; readonly queue: Set<() => void> }>();

  /** Resolves with a place inside, which somebody has left or was free. */
  async function enter(server: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw stoppedBy(signal);
    const door = doors.get(server) ?? { inside: 0, queue: new Set() };
    doors.set(server, door);
    if (door.inside < most) {
      door.inside += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leaveQueue = () => {
      door.queue.delete(resolve);
      reject(stoppedBy(signal));
    };
    door.queue.add(resolve);
    signal.addEventListener("abort", leaveQueue, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", leaveQueue));
  }

  function leave(server: string): void {
    const door = doors.get(server);
    if (door === undefined) return;
    const [next] = door.queue;
    if (next === undefined) {
      door.inside -= 1;
      if (door.inside === 0) doors.delete(server);
      return;
    }
    // The place goes to who has waited longest.
    door.queue.delete(next);
    next();
  }

  return {
    async through(server, signal, work) {
      await enter(server, signal);
      try {
        return await work();
      } finally {
        leave(server);
      }
    },
  };
}
