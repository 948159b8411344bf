import { attemptDelivery, DELIVERY_LEASE_MS } from "../app/deliveries/attempt-delivery.ts";
import type { ClaimedDelivery, ComposeRequest, Ports, Timer } from "../app/ports.ts";
import type { DeliveryTarget } from "../domain/delivery.ts";

/** However quiet it is, the database is asked this often: another node, or a killed one, may have left work. */
const SWEEP_MS = 15_000;

/** From the beginning of a pass to that of the next, at least: each delivery that ends wakes one. */
const PASS_EVERY_MS = 50;

/** At the same time: on this node, to one target, and to one receiver, which may be that of many targets. */
const AT_ONCE = 32;
const OF_TARGET = 2;
const OF_ORIGIN = 4;

/** Which receiver a target has is looked up again after so many. */
const KNOWN_ORIGINS = 10_000;

const CLEAN_EVERY_MS = 3600_000;
/** GitLab shows deliveries for so long. */
const KEEP_MS = 7 * 24 * 3600_000;

export interface Deliverer {
  /** There may be something to send: it looks now. */
  wake(): void;
  /** Starts no more; lets what is being sent finish for `graceMs`, then ends it. What was not sent stays for later. */
  stop(graceMs: number): Promise<void>;
}

export interface DelivererPorts
  extends Pick<Ports, "clock" | "deliveries" | "instance" | "log" | "sender" | "settings"> {
  /** Who makes the requests of the deliveries for each kind of target. */
  readonly composers: Readonly<Record<DeliveryTarget["kind"], ComposeRequest>>;
}

/**
 * Sends what is due. A receiver that hangs takes a few places and no others; its deliveries wait in the database. In
 * Silent Mode, as in GitLab, what falls due is dropped: it can be sent again by hand.
 */
export function startDeliverer(ports: DelivererPorts): Deliverer {
  const { clock, deliveries, log, settings } = ports;
  const ending = new AbortController();
  const targets = countPlaces(OF_TARGET);
  const origins = countPlaces(OF_ORIGIN);
  const originOf = new Map<string, string>();
  const underWay = new Set<Promise<void>>();
  let hasStopped = false;
  let timer: Timer | null = null;
  let pass: Promise<void> = Promise.resolve();
  let isPassing = false;
  let isWanted = false;
  let mayPassAt = Number.NEGATIVE_INFINITY;
  let cleanAt = 0;

  function wake(): void {
    isWanted = true;
    if (isPassing || hasStopped) return;
    setTimer(clock.now());
  }

  function setTimer(at: Date): void {
    timer?.cancel();
    const now = clock.now().getTime();
    const delay = Math.min(Math.max(at.getTime(), mayPassAt) - now, SWEEP_MS);
    timer = clock.after(Math.max(delay, 0), () => {
      pass = runPass();
    });
  }

  async function runPass(): Promise<void> {
    isPassing = true;
    isWanted = false;
    const began = clock.now();
    mayPassAt = began.getTime() + PASS_EVERY_MS;
    let next: Date | null = null;
    try {
      await sendDue();
      await cleanNowAndThen();
      next = await deliveries.nextDueAfter(began);
    } catch (error) {
      log.warn({ err: error }, "the deliveries could not be read; they are looked at again");
    }
    isPassing = false;
    if (hasStopped) return;
    const now = clock.now();
    setTimer(isWanted ? now : (next ?? new Date(now.getTime() + SWEEP_MS)));
  }

  async function sendDue(): Promise<void> {
    const now = clock.now();
    if ((await settings.read()).silentModeEnabled) {
      const dropped = await deliveries.giveUpDue("Not sent: Silent Mode was on.", now);
      if (dropped > 0) log.info({ dropped }, "deliveries were dropped: Silent Mode is on");
      return;
    }
    const limit = AT_ONCE - underWay.size;
    if (limit <= 0) return;
    const until = new Date(now.getTime() + DELIVERY_LEASE_MS);
    const due = await deliveries.claimDue(now, until, { limit, busy: busyTargets() });
    for (const delivery of due) begin(delivery);
    // One a target came: there may be more of it.
    if (due.length > 0) isWanted = true;
  }

  /** Those with all their places taken, and those of a receiver with all of its own. */
  function busyTargets(): DeliveryTarget[] {
    const full = [...targets.full()];
    for (const [target, origin] of originOf) if (origins.isFull(origin)) full.push(target);
    return full.map(parseKey);
  }

  function begin(delivery: ClaimedDelivery): void {
    const key = keyOf(delivery.target);
    const leave = targets.enter(key);
    if (leave === null) throw new Error("a busy target's delivery was claimed");
    const one = send(delivery)
      .catch((error: unknown) => {
        // Its lease ends by itself, and it is tried again.
        log.warn({ err: error, deliveryId: delivery.id }, "a delivery could not be attempted");
      })
      .finally(() => {
        leave();
        underWay.delete(one);
        wake();
      });
    underWay.add(one);
  }

  async function send(delivery: ClaimedDelivery): Promise<void> {
    await attemptDelivery(ports, delivery, {
      compose: ports.composers[delivery.target.kind],
      signal: ending.signal,
      enter(origin) {
        if (originOf.size >= KNOWN_ORIGINS) originOf.clear();
        originOf.set(keyOf(delivery.target), origin);
        return origins.enter(origin);
      },
      mayRetry: true,
    });
  }

  async function cleanNowAndThen(): Promise<void> {
    const now = clock.now().getTime();
    if (now < cleanAt) return;
    cleanAt = now + CLEAN_EVERY_MS;
    await deliveries.removeOld(new Date(now - KEEP_MS));
  }

  wake();
  return {
    wake,
    async stop(graceMs) {
      hasStopped = true;
      timer?.cancel();
      const late = setTimeout(() => ending.abort(), graceMs);
      await pass;
      await Promise.all(underWay);
      clearTimeout(late);
    },
  };
}

/** So many places for each key. */
function countPlaces(places: number) {
  const taken = new Map<string, number>();
  return {
    isFull: (key: string): boolean => (taken.get(key) ?? 0) >= places,
    *full(): Iterable<string> {
      for (const [key, count] of taken) if (count >= places) yield key;
    },
    /** Null: all are taken. Answers how to give it back. */
    enter(key: string): (() => void) | null {
      const count = taken.get(key) ?? 0;
      if (count >= places) return null;
      taken.set(key, count + 1);
      return () => {
        const left = (taken.get(key) ?? 1) - 1;
        if (left === 0) taken.delete(key);
        else taken.set(key, left);
      };
    },
  };
}

function keyOf({ kind, id }: DeliveryTarget): string {
  return `${kind} ${id}`;
}

function parseKey(key: string): DeliveryTarget {
  const [kind, id] = key.split(" ");
  return { kind: kind === "hook" ? "hook" : "pipeline-trigger", id: Number(id) };
}
