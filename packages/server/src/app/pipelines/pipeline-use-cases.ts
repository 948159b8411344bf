import type { PipelineTriggerKind } from "@heliostat/contract";
import type { PipelineTrigger } from "../../domain/pipeline-trigger.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { DeliveryLogEntry, Page, Paged } from "../ports.ts";

/** What is said of a trigger; what is left out stays, or has its default. */
export interface PipelineTriggerSettings {
  readonly name?: string;
  readonly url?: string;
  readonly enabled?: boolean;
  readonly verifiesCertificate?: boolean;
  readonly refFilter?: string | null;
  readonly workflow?: string | null;
  readonly user?: string | null;
  readonly variables?: Readonly<Record<string, string>>;
  /** Null and empty: none. */
  readonly token?: string | null;
}

/** Pipelines elsewhere that are started when the pull mirror of a project brought something. */
export interface PipelineUseCases {
  listPipelineTriggers(principal: Principal, project: PathOrId): Promise<readonly PipelineTrigger[]>;
  findPipelineTrigger(principal: Principal, project: PathOrId, id: number): Promise<PipelineTrigger>;
  createPipelineTrigger(
    principal: Principal,
    project: PathOrId,
    settings: PipelineTriggerSettings & { readonly kind: PipelineTriggerKind },
  ): Promise<PipelineTrigger>;
  updatePipelineTrigger(
    principal: Principal,
    project: PathOrId,
    id: number,
    settings: PipelineTriggerSettings,
  ): Promise<PipelineTrigger>;
  removePipelineTrigger(principal: Principal, project: PathOrId, id: number): Promise<void>;
  /** Sends the request for this ref (the default branch where it is null) at once, and answers what came of it. */
  testPipelineTrigger(
    principal: Principal,
    project: PathOrId,
    id: number,
    options: { readonly ref: string | null; readonly signal: AbortSignal },
  ): Promise<DeliveryLogEntry>;
  /** The newest first. */
  listPipelineDeliveries(
    principal: Principal,
    project: PathOrId,
    id: number,
    page: Page,
  ): Promise<Paged<DeliveryLogEntry>>;
}
