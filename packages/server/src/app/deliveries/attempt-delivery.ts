import {
  type AttemptOutcome,
  GOOD_HEALTH,
  healthAfter,
  isStaleDelivery,
  nextDeliveryAttempt,
  outcomeOfAnswer,
} from "../../domain/delivery.ts";
import { asHeliostatError } from "../../domain/errors.ts";
import { createRedactor } from "../../domain/redact.ts";
import type {
  AttemptRecord,
  ClaimedDelivery,
  ComposedRequest,
  ComposeRequest,
  DeliveryDraft,
  Exchange,
  Ports,
} from "../ports.ts";

type DeliveryPorts = Pick<Ports, "clock" | "deliveries" | "instance" | "log" | "sender" | "settings">;

/** Lets a request to this origin through; null: there are enough of them. Answers how to say that it is over. */
export type EnterOrigin = (origin: string) => (() => void) | null;

/** What became of a delivery that was ours to attempt. `crowded`: it was given back, its receiver has enough to do. */
export type Attempt =
  | { readonly kind: "sent"; readonly outcome: AttemptOutcome; readonly record: AttemptRecord }
  | { readonly kind: "crowded"; readonly origin: string }
  | { readonly kind: "not-sent" };

/** Longer than any attempt takes: after this, a claimed delivery is that of a node that died. */
export const DELIVERY_LEASE_MS = 60_000;

/** How soon one comes again that found its receiver with enough to do. */
const CROWDED_MS = 1_000;

const NOTHING_SENT: AttemptRecord = {
  ...{ url: null, requestHeaders: null, duration: null, error: null },
  ...{ responseStatus: null, responseHeaders: null, responseBody: null },
};

/** Sends a claimed delivery once, and records what came of it and when it is sent again, if at all. */
export async function attemptDelivery(
  ports: DeliveryPorts,
  delivery: ClaimedDelivery,
  options: {
    readonly compose: ComposeRequest;
    readonly signal: AbortSignal;
    readonly enter?: EnterOrigin;
    /** False: whoever waits for it sends it again if they want to. */
    readonly mayRetry: boolean;
  },
): Promise<Attempt> {
  const { clock, deliveries, instance, sender, settings } = ports;
  if (options.mayRetry && isStaleDelivery(delivery, clock.now())) {
    await giveUp(ports, delivery, "It could not be delivered within a day.");
    return { kind: "not-sent" };
  }
  let composed: ComposedRequest | null;
  try {
    composed = await options.compose(delivery);
  } catch (error) {
    const { kind, message } = asHeliostatError(error);
    // The database, say: that is over soon.
    if (kind === "bug" || kind === "transient") throw error;
    await giveUp(ports, delivery, message);
    return { kind: "not-sent" };
  }
  if (composed === null) return { kind: "not-sent" };
  const { origin } = new URL(composed.request.url);
  const leave = options.enter === undefined ? () => {} : options.enter(origin);
  if (leave === null) {
    await deliveries.putBack(delivery.id, new Date(clock.now().getTime() + CROWDED_MS));
    return { kind: "crowded", origin };
  }
  let exchange: Exchange;
  try {
    const rules = { ...(await settings.read()), ownUrl: instance.externalUrl };
    exchange = await sender.send(composed.request, rules, options.signal);
  } finally {
    leave();
  }
  // Our own doing does not count: whoever comes next tries at once.
  if (exchange.kind === "failed" && options.signal.aborted) {
    await deliveries.putBack(delivery.id, clock.now());
    return { kind: "not-sent" };
  }
  const outcome = outcomeOf(exchange);
  const record = recordOf(composed, exchange);
  await note(ports, delivery, { outcome, record, mayRetry: options.mayRetry });
  return { kind: "sent", outcome, record };
}

/** Sends something at once, while somebody waits for what comes of it; null: its target is gone. */
export async function deliverNow(
  ports: DeliveryPorts,
  draft: DeliveryDraft,
  options: { readonly compose: ComposeRequest; readonly signal: AbortSignal },
): Promise<{ readonly deliveryId: number; readonly attempt: Attempt } | null> {
  const now = ports.clock.now();
  const until = new Date(now.getTime() + DELIVERY_LEASE_MS);
  const claimed = await ports.deliveries.putClaimed(draft, now, until);
  if (claimed === null) return null;
  return {
    deliveryId: claimed.id,
    attempt: await attemptDelivery(ports, claimed, { ...options, mayRetry: false }),
  };
}

async function note(
  { clock, deliveries, log }: DeliveryPorts,
  delivery: ClaimedDelivery,
  { outcome, record, mayRetry }: { outcome: AttemptOutcome; record: AttemptRecord; mayRetry: boolean },
): Promise<void> {
  const now = clock.now();
  const { target } = delivery;
  const health = await deliveries.changeHealth(target, (before) => healthAfter(before, outcome, now), now);
  const next = mayRetry ? nextDeliveryAttempt(delivery, outcome, health ?? GOOD_HEALTH, now) : null;
  await deliveries.recordAttempt(delivery.id, record, next, now);
  const fields = { deliveryId: delivery.id, target, status: record.responseStatus };
  if (outcome.kind === "delivered") {
    log.debug(fields, "delivered");
    return;
  }
  log.info(
    { ...fields, reason: record.error, nextAttemptAt: next },
    next === null ? "a delivery failed for good" : "a delivery failed; it is tried again",
  );
  const failures = health?.failureCount ?? 0;
  if (health?.disabledUntil === "for-good")
    log.warn({ target, failures }, "switched off after many failures");
}

async function giveUp(
  { clock, deliveries, log }: DeliveryPorts,
  { id, target }: ClaimedDelivery,
  reason: string,
): Promise<void> {
  await deliveries.recordAttempt(id, { ...NOTHING_SENT, error: reason }, null, clock.now());
  log.warn({ deliveryId: id, target, reason }, "a delivery was given up");
}

function outcomeOf(exchange: Exchange): AttemptOutcome {
  if (exchange.kind === "answered") return outcomeOfAnswer(exchange.status, exchange.headers["retry-after"]);
  return { kind: "failed", isFinal: exchange.isFinal, retryAfter: null };
}

function recordOf({ shownUrl, shownHeaders, secrets }: ComposedRequest, exchange: Exchange): AttemptRecord {
  const hide = createRedactor(secrets);
  const sent = { url: shownUrl, requestHeaders: shownHeaders, duration: exchange.duration };
  if (exchange.kind === "failed") return { ...NOTHING_SENT, ...sent, error: hide(exchange.reason) };
  const { status } = exchange;
  const headers = Object.entries(exchange.headers).map(([name, value]) => [name, hide(value)] as const);
  return {
    ...sent,
    responseStatus: status,
    responseHeaders: Object.fromEntries(headers),
    responseBody: hide(exchange.body),
    error: complaintAbout(status),
  };
}

function complaintAbout(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400)
    return `The receiver redirects (HTTP ${status}). Redirects are not followed: give the URL that it leads to.`;
  return `The receiver answered HTTP ${status}.`;
}
