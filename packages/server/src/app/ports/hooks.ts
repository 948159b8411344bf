import type { FiredHookEvent } from "@heliostat/contract";
import type { DeliveryTarget } from "../../domain/delivery.ts";
import type { Hook, HookSecrets } from "../../domain/hook.ts";
import type { Page, Paged } from "./instance.ts";

/** What is said of a hook when it is made or changed; what is left out stays, or has its default. */
export interface HookFacts
  extends Pick<
    Hook,
    | "url"
    | "name"
    | "description"
    | "verifiesCertificate"
    | "events"
    | "branchFilter"
    | "branchFilterStrategy"
    | "template"
  > {}

/** A secret of a hook or a pipeline trigger. The name is that of a header or a URL variable, else empty. */
export interface HookSecretName {
  readonly kind: "token" | "signing_token" | "header" | "url_variable";
  readonly name: string;
}

/** Values that are put in place; null takes one away. `forgetsOthers`: those not named here are taken away. */
export interface HookSecretChanges {
  readonly set: readonly (HookSecretName & { readonly value: string | null })[];
  readonly forgetsOthers: boolean;
  /** All of these kinds that are not named here are taken away. */
  readonly replaces: readonly HookSecretName["kind"][];
}

/** What hooks and pipeline triggers show their receivers, sealed. */
export interface HookSecretStore {
  /** `secret-unreadable` when one of them cannot be opened. */
  read(owner: DeliveryTarget): Promise<HookSecrets>;
}

export interface HookStore {
  create(
    projectId: number,
    facts: HookFacts,
    secrets: HookSecretChanges,
    made: { readonly by: number; readonly at: Date },
  ): Promise<Hook>;
  /** `projectId` null: of any project. */
  find(projectId: number | null, id: number): Promise<Hook | null>;
  list(projectId: number, page: Page): Promise<Paged<Hook>>;
  /** Those of a project that are told of one of these events and are not switched off for good. */
  listTold(projectId: number, events: readonly FiredHookEvent[]): Promise<readonly Hook[]>;
  count(projectId: number): Promise<number>;
  /** Null: it is gone. */
  update(id: number, facts: Partial<HookFacts>, secrets: HookSecretChanges): Promise<Hook | null>;
  remove(id: number): Promise<void>;
}
