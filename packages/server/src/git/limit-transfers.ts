import type { Repositories, TransferOptions } from "../app/ports.ts";
import { createSlots, type Slots } from "../slots.ts";

/** Transfers are git's work: more of them than there are cores to work on only take memory from each other. */
const TRANSFERS_AT_ONCE = 4;

/**
 * The same repositories, with a bound on the transfers at the same time. In and out count apart: upstreams that stall
 * must not hold up a push. Waiting for an answer before a transfer is not bounded here, because it costs nothing.
 */
export function limitTransfers<R extends Repositories>(repositories: R): R {
  const incoming = createSlots(TRANSFERS_AT_ONCE);
  const outgoing = createSlots(TRANSFERS_AT_ONCE);
  return {
    ...repositories,
    fetchAll: (path, remote, options) =>
      within(incoming, options, () => repositories.fetchAll(path, remote, options)),
    fetchObjects: (path, remote, oids, options) =>
      within(incoming, options, () => repositories.fetchObjects(path, remote, oids, options)),
    push: (path, remote, changes, options) =>
      within(outgoing, options, () => repositories.push(path, remote, changes, options)),
    async packObjects(path, request, options) {
      const giveBack = await takeTurn(outgoing, options);
      try {
        const pack = await repositories.packObjects(path, request, options);
        pack.done.then(giveBack, giveBack);
        return pack;
      } catch (error) {
        giveBack();
        throw error;
      }
    },
  };
}

async function within<T>(slots: Slots, options: TransferOptions, work: () => Promise<T>): Promise<T> {
  const giveBack = await takeTurn(slots, options);
  try {
    return await work();
  } finally {
    giveBack();
  }
}

/** Who looks at the progress is told why nothing moves. */
function takeTurn(slots: Slots, { signal, onProgress }: TransferOptions): Promise<() => void> {
  if (slots.isFull()) {
    onProgress?.({
      phase: "Waiting for other transfers",
      done: 0,
      total: null,
      bytes: null,
      bytesPerSecond: null,
    });
  }
  return slots.take(signal);
}
