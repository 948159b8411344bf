import type { Ports, UpdateLease } from "../ports.ts";

/** A run whose node dies is taken over when this is over; a live one renews it three times as often. */
const LEASE_MS = 30_000;

export function leaseEnd(now: Date): Date {
  return new Date(now.getTime() + LEASE_MS);
}

/** Renews the lease while the run is under way; `lost` fires when it is no longer ours and the run must stop. */
export function keepLease(
  ports: Pick<Ports, "clock" | "log" | "mirrors">,
  lease: UpdateLease,
): { readonly lost: AbortSignal; readonly stop: () => void } {
  const lost = new AbortController();
  const timer = setInterval(() => {
    ports.mirrors.renewLease(lease, leaseEnd(ports.clock.now())).then(
      (isOurs) => {
        if (!isOurs) lost.abort();
      },
      // The database may be away for a moment; should it stay away, the lease lapses and its taker decides.
      (error: unknown) => ports.log.warn({ mirrorId: lease.mirror.id, err: error }, "lease not renewed"),
    );
  }, LEASE_MS / 3);
  return { lost: lost.signal, stop: () => clearInterval(timer) };
}
