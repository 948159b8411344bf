import type { Clock, Timer } from "../../packages/server/src/app/ports.ts";

interface PendingTimer {
  readonly at: number;
  readonly work: () => void;
}

/**
 * A clock that stands still until it is told to go on. `settled` resolves when everything that a timer has set in
 * motion has come to rest: then the next timer is due, so that days pass in as long as their work takes.
 */
export class FakeClock implements Clock {
  #now: number;
  #timers: PendingTimer[] = [];
  readonly #settled: () => Promise<void>;

  constructor(start: Date, settled: () => Promise<void> = settleTurns) {
    this.#now = start.getTime();
    this.#settled = settled;
  }

  now(): Date {
    return new Date(this.#now);
  }

  after(ms: number, work: () => void): Timer {
    const timer = { at: this.#now + Math.max(ms, 0), work };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Lets so much time pass: runs what falls due in its order, each at its own time, and waits for what comes of it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await this.#settled();
      let next: PendingTimer | null = null;
      for (const timer of this.#timers) if (next === null || timer.at < next.at) next = timer;
      if (next === null || next.at > end) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.work();
    }
    this.#now = end;
  }
}

/** A few turns of the event loop: enough for promises that wait for nothing outside the process. */
async function settleTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Counts the calls of asynchronous functions that are under way, however they reach the world. `settled` resolves when
 * none is, and none follows from the last.
 */
export function watchCalls(): {
  /** The same object, its functions counted. */
  count<T extends object>(port: T): T;
  settled(): Promise<void>;
} {
  let underWay = 0;
  return {
    count: (port) =>
      new Proxy(port, {
        get(target, name, receiver) {
          const value: unknown = Reflect.get(target, name, receiver);
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => {
            const result: unknown = Reflect.apply(value, target, args);
            if (!(result instanceof Promise)) return result;
            underWay += 1;
            return result.finally(() => {
              underWay -= 1;
            });
          };
        },
      }),
    async settled() {
      for (let quiet = 0; quiet < 5; quiet = underWay === 0 ? quiet + 1 : 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
