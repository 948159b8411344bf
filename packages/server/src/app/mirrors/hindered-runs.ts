import type { Ports } from "../ports.ts";

/**
 * A switch was turned that may stop mirrors: ends the runs that may not go on, and has the dispatcher look for what may
 * run now. What was ended is wished for again, so that it is taken up when the switch is turned back. Runs of other
 * nodes end when they next renew their lease.
 */
export async function endHinderedRuns(ports: Pick<Ports, "clock" | "mirrors" | "queue">): Promise<void> {
  const now = ports.clock.now();
  const hindered = await ports.mirrors.listHindered();
  await Promise.all(
    hindered.map(async ({ id }) => {
      await ports.mirrors.requestUpdate(id, "schedule", now);
      await ports.queue.cancel(id);
    }),
  );
  ports.queue.wakeAt(now);
}
