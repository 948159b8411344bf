import type { DeliveryTarget, TargetHealth } from "../../domain/delivery.ts";
import type { Page, Paged } from "./instance.ts";
import type { OutboundRules } from "./remotes.ts";

/** Something that is to be sent to somebody's URL. */
export interface DeliveryDraft {
  readonly projectId: number;
  readonly target: DeliveryTarget;
  /** What happened, in GitLab's words: `push_hooks`. */
  readonly event: string;
  /** The same for all that is sent of one event. */
  readonly eventUuid: string;
  /** By which the receiver knows a delivery that comes again. */
  readonly idempotencyKey: string;
  /** JSON. No secret is in it. */
  readonly payload: string;
}

/** A delivery that is ours to attempt. */
export interface ClaimedDelivery extends DeliveryDraft {
  readonly id: number;
  /** With the one that it was claimed for. */
  readonly attempts: number;
  readonly createdAt: Date;
}

/** What was sent last and what came of it, fit to be shown: without secrets. */
export interface AttemptRecord {
  readonly url: string | null;
  readonly requestHeaders: Readonly<Record<string, string>> | null;
  readonly responseStatus: number | null;
  readonly responseHeaders: Readonly<Record<string, string>> | null;
  readonly responseBody: string | null;
  /** Seconds. */
  readonly duration: number | null;
  /** Why there is no answer, or what is wrong with it; null: delivered. */
  readonly error: string | null;
}

/** A delivery as its log shows it. */
export interface DeliveryLogEntry extends DeliveryDraft, AttemptRecord {
  readonly id: number;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export interface DeliveryFilter {
  /** Of the last answer; `failed`: there was none. Anything when left out. */
  readonly statuses?: readonly (number | "failed")[];
}

/** Deliveries that wait, and those that were made or given up, in the database, so that a crash loses none. */
export interface DeliveryStore {
  /**
   * Puts them in, and answers how many: none for a target that is switched off for good or is gone, and no more than it
   * may have waiting. Those for one that is switched off for a while wait until then.
   */
  put(drafts: readonly DeliveryDraft[], now: Date): Promise<number>;
  /** Puts one in that its caller attempts at once; should that one die before `until`, another does. Null: no target. */
  putClaimed(draft: DeliveryDraft, now: Date, until: Date): Promise<ClaimedDelivery | null>;
  /**
   * Hands out deliveries that are due, each to one caller and at most one a target, and moves them out of the way until
   * `until`. `busy`: targets of which the caller wants none.
   */
  claimDue(
    now: Date,
    until: Date,
    options: { readonly limit: number; readonly busy: readonly DeliveryTarget[] },
  ): Promise<readonly ClaimedDelivery[]>;
  /** Gives a claimed one back as if it had not been attempted. */
  putBack(id: number, at: Date): Promise<void>;
  /** `nextAttemptAt` null: that was the last attempt. */
  recordAttempt(id: number, record: AttemptRecord, nextAttemptAt: Date | null, now: Date): Promise<void>;
  /**
   * Changes the health of a target, one caller at a time, and answers the new one; null: it is gone. What waits for one
   * that is switched off now waits until its end, or is given up; what waited for one that is in use again is due.
   */
  changeHealth(
    target: DeliveryTarget,
    change: (health: TargetHealth) => TargetHealth,
    now: Date,
  ): Promise<TargetHealth | null>;
  /** Gives up all that is due, with this as the reason, and answers how many. */
  giveUpDue(reason: string, now: Date): Promise<number>;
  /** When the next one falls due that is not due by then. */
  nextDueAfter(now: Date): Promise<Date | null>;
  /** The newest first. */
  list(target: DeliveryTarget, filter: DeliveryFilter, page: Page): Promise<Paged<DeliveryLogEntry>>;
  find(target: DeliveryTarget, id: number): Promise<DeliveryLogEntry | null>;
  /** Removes those that ended before this moment, and answers how many. */
  removeOld(before: Date): Promise<number>;
  /** Where no other node can be at work: what was claimed is due again. */
  endLostLeases(now: Date): Promise<void>;
}

/** A request as it goes out, secrets inside. */
export interface OutgoingRequest {
  readonly method: "GET" | "POST";
  /** `http` or `https`, without userinfo. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** False: whatever certificate the receiver shows is good enough. */
  readonly verifiesCertificate: boolean;
}

/** What came back. Nothing in it is masked. */
export type Exchange =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** The beginning of it, as text. */
      readonly body: string;
      /** Seconds. */
      readonly duration: number;
    }
  /** `isFinal`: another attempt would end the same way. */
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly isFinal: boolean;
      readonly duration: number;
    };

/** Sends requests to where people want them: through the outbound guard, never after a redirect. */
export interface RequestSender {
  /** Never throws, and ends in a bounded time. */
  send(request: OutgoingRequest, rules: OutboundRules, signal: AbortSignal): Promise<Exchange>;
  /** Whether something may be sent there at this moment; `url-blocked`. A host that cannot be looked up passes. */
  check(url: string, rules: OutboundRules): Promise<void>;
}

/** A request made ready, and what hides its secrets. */
export interface ComposedRequest {
  readonly request: OutgoingRequest;
  /** As the log shows them. */
  readonly shownUrl: string;
  readonly shownHeaders: Readonly<Record<string, string>>;
  /** What must not be read in what comes back. */
  readonly secrets: readonly string[];
}

/** Makes the request for a delivery from its target as it is now; null: the target is gone. */
export type ComposeRequest = (delivery: ClaimedDelivery) => Promise<ComposedRequest | null>;
