import type { BranchFilterStrategy, HookEvent } from "@heliostat/contract";
import type { AlertStatus } from "../../domain/delivery.ts";
import type { Hook } from "../../domain/hook.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { DeliveryFilter, DeliveryLogEntry, Page, Paged } from "../ports.ts";

/** Webhooks of a project: for its maintainers. Somebody else's hook, or none, is `not-found` (`Not found`). */
export interface HookUseCases {
  listHooks(principal: Principal, project: PathOrId, page: Page): Promise<Paged<HookView>>;
  findHook(principal: Principal, project: PathOrId, id: number): Promise<HookView>;
  /** `url-blocked` and `url-invalid` for a URL where nothing may be sent. */
  createHook(principal: Principal, project: PathOrId, draft: HookDraft): Promise<HookView>;
  /**
   * Another URL takes all secrets away that are not given with it: whoever does not know them must not have them sent
   * somewhere else. Any change puts a hook in use again that was switched off.
   */
  updateHook(principal: Principal, project: PathOrId, id: number, changes: HookChanges): Promise<HookView>;
  removeHook(principal: Principal, project: PathOrId, id: number): Promise<void>;
  /**
   * Sends an event of this kind with the project's newest commit and waits for the answer; one that goes well puts the
   * hook in use again. `hook-test-failed` when it does not, and when there is nothing to tell.
   */
  testHook(principal: Principal, project: PathOrId, id: number, event: HookEvent): Promise<void>;
  listHookDeliveries(
    principal: Principal,
    project: PathOrId,
    id: number,
    filter: DeliveryFilter,
    page: Page,
  ): Promise<Paged<DeliveryLogEntry>>;
  findHookDelivery(
    principal: Principal,
    project: PathOrId,
    id: number,
    deliveryId: number,
  ): Promise<DeliveryLogEntry>;
  /** Sends one again, to where the hook leads now, and answers what came of it; null: there was no answer. */
  resendHookDelivery(
    principal: Principal,
    project: PathOrId,
    id: number,
    deliveryId: number,
  ): Promise<{ readonly status: number | null; readonly error: string | null }>;
  /** Puts the value of a header or a URL variable in place; null takes it away (`not-found` where there is none). */
  changeHookPair(principal: Principal, project: PathOrId, id: number, change: HookPairChange): Promise<void>;
}

/** A hook, and how it stands now. */
export interface HookView {
  readonly hook: Hook;
  readonly alertStatus: AlertStatus;
  /** Null: for good, or not at all. */
  readonly disabledUntil: Date | null;
  /** The key that sealed one of its secrets is not in the secrets file. */
  readonly needsSecret: boolean;
}

export interface HookPairChange {
  readonly kind: "header" | "url_variable";
  readonly key: string;
  readonly value: string | null;
}

/** What is left out stays, or has its default. Null and empty take a text away. */
export interface HookChanges {
  readonly url?: string;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly verifiesCertificate?: boolean;
  /** Switches, by event. */
  readonly events?: Partial<Readonly<Record<HookEvent, boolean>>>;
  readonly branchFilter?: string | null;
  readonly branchFilterStrategy?: BranchFilterStrategy;
  readonly template?: string | null;
  readonly token?: string | null;
  readonly signingToken?: string | null;
  /** All of them; those that are not named are taken away. */
  readonly headers?: readonly HookPairDraft[];
  readonly urlVariables?: readonly HookPairDraft[];
}

/** Without a value: the one that is there stays. */
export interface HookPairDraft {
  readonly key: string;
  readonly value?: string;
}

export interface HookDraft extends HookChanges {
  readonly url: string;
}
