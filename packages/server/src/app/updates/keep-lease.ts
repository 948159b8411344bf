import type { Ports, UpdateLease } from "../ports.ts";

/** A run whose node dies is ended when this is over, and taken up again: 30 s after the death at the latest. */
const LEASE_MS = 20_000;
const RENEW_MS = 5_000;

/** A run whose lease cannot be renewed stops so long before it lapses: what it started needs time to end. */
const MARGIN_MS = 6_000;

/** When a lease that is taken or renewed now lapses, unless it is renewed before. */
export function leaseEnd(now: Date): Date {
  return new Date(now.getTime() + LEASE_MS);
}

/**
 * Renews the lease, which runs until `leaseEnd(started)`, while the run is under way. `lost` fires when the run must
 * stop: the lease is no longer ours, somebody on any node asked for the run's end, or it could not be renewed in time.
 */
export function keepLease(
  ports: Pick<Ports, "clock" | "log" | "mirrors">,
  lease: UpdateLease,
  started: Date,
): { readonly lost: AbortSignal; readonly stop: () => void } {
  const { clock, log, mirrors } = ports;
  const lost = new AbortController();
  let expiresAt = leaseEnd(started);
  let timer = clock.after(RENEW_MS, renew);

  function renew(): void {
    timer = clock.after(RENEW_MS, renew);
    const now = clock.now();
    if (now.getTime() >= expiresAt.getTime() - MARGIN_MS) lost.abort();
    const until = leaseEnd(now);
    mirrors.renewLease(lease, until).then(
      ({ kind }) => {
        if (kind === "held") expiresAt = until;
        else lost.abort();
      },
      // The database may be away for a moment.
      (error: unknown) => log.warn({ mirrorId: lease.mirror.id, err: error }, "lease not renewed"),
    );
  }

  return { lost: lost.signal, stop: () => timer.cancel() };
}
