import { HeliostatError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/user.ts";
import type { Clock } from "../ports.ts";

/** How many clients are served by git at the same time. */
export interface ClientLimits {
  /** As many processes of git at once, for each kind of work. */
  readonly places: number;
  /** As many clients may wait for a place of a kind; who comes then is sent away. */
  readonly waiting: number;
  /** How long one waits before it is sent away too; below the minute after which many a proxy gives up. */
  readonly patienceMs: number;
}

/** The kinds of work for clients. */
export const CLIENT_WORK = ["refs", "packs"] as const;

/** `refs`: quick, telling what there is. `packs`: everything that may take long. Neither waits for the other. */
export type ClientWork = (typeof CLIENT_WORK)[number];

/** The places for the gits that clients are served by, of all doors together, and the line of those that wait. */
export interface ClientQueue {
  /**
   * Resolves once there is a place, with what gives it back. `server-busy` when too many wait, or it takes too long;
   * the signal's reason when that fires first. Nothing is held of a client that is no longer there.
   */
  enter(work: ClientWork, client: string, signal: AbortSignal): Promise<() => void>;
  /** How many are served and how many wait, for each kind of work. */
  count(work: ClientWork): { readonly served: number; readonly waiting: number };
}

/** What a client that is sent away is told to wait before it comes again. */
const COME_AGAIN_SECONDS = 10;

/**
 * Of the places one client may have three quarters, so that one whose hundred clones are slow leaves room for others.
 */
const SHARE = 3 / 4;

/** Whoever shares places with nobody else: a user or a key, whatever the address; of nobody, the address. */
export function clientOf(principal: Principal): string {
  switch (principal.kind) {
    case "user":
      return `user ${principal.user.id}`;
    case "deploy-key":
      return `key ${principal.key.id}`;
    case "anonymous":
      return `address ${principal.from?.address ?? "unknown"}`;
  }
}

interface Waiting {
  readonly proceed: () => void;
}

interface Line {
  enter(client: string, signal: AbortSignal): Promise<() => void>;
  count(): { readonly served: number; readonly waiting: number };
}

/** Those that wait get their turn client by client, and each client's own in the order in which they came. */
export function createClientQueue(clock: Pick<Clock, "after">, limits: ClientLimits): ClientQueue {
  const lines: Readonly<Record<ClientWork, Line>> = {
    refs: createLine(clock, limits),
    packs: createLine(clock, limits),
  };
  return {
    enter: (work, client, signal) => lines[work].enter(client, signal),
    count: (work) => lines[work].count(),
  };
}

function createLine(clock: Pick<Clock, "after">, { places, waiting, patienceMs }: ClientLimits): Line {
  const share = Math.max(1, Math.ceil(places * SHARE));
  const served = new Map<string, number>();
  /** In the order in which the clients have their next turn. */
  const waitingOf = new Map<string, Set<Waiting>>();
  let taken = 0;
  let waits = 0;

  const mayTake = (client: string): boolean => taken < places && (served.get(client) ?? 0) < share;

  function take(client: string): () => void {
    taken += 1;
    served.set(client, (served.get(client) ?? 0) + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      taken -= 1;
      const left = (served.get(client) ?? 1) - 1;
      if (left > 0) served.set(client, left);
      else served.delete(client);
      callNext();
    };
  }

  function callNext(): void {
    for (const [client, line] of waitingOf) {
      const [first] = line;
      if (first === undefined || !mayTake(client)) continue;
      leave(client, first);
      // Behind all others, if it has more that wait.
      if (waitingOf.delete(client) && line.size > 0) waitingOf.set(client, line);
      first.proceed();
      return;
    }
  }

  function leave(client: string, one: Waiting): void {
    const line = waitingOf.get(client);
    if (!line?.delete(one)) return;
    waits -= 1;
    if (line.size === 0) waitingOf.delete(client);
  }

  function waitForTurn(client: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        leave(client, one);
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
        reject(reason);
      };
      const onAbort = (): void => giveUp(signal.reason);
      const timer = clock.after(patienceMs, () => giveUp(serverBusy()));
      const one: Waiting = {
        proceed: () => {
          timer.cancel();
          signal.removeEventListener("abort", onAbort);
          resolve(take(client));
        },
      };
      const line = waitingOf.get(client) ?? new Set();
      waitingOf.set(client, line.add(one));
      waits += 1;
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  return {
    async enter(client, signal) {
      signal.throwIfAborted();
      if (mayTake(client)) return take(client);
      if (waits >= waiting) throw serverBusy();
      return await waitForTurn(client, signal);
    },
    count: () => ({ served: taken, waiting: waits }),
  };
}

function serverBusy(): HeliostatError {
  return new HeliostatError("server-busy", "The server is busy with other clients. Try again in a moment.", {
    retryAfterSeconds: COME_AGAIN_SECONDS,
  });
}
