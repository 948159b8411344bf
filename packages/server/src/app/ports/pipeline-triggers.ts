import type { PipelineTrigger } from "../../domain/pipeline-trigger.ts";

/** What is said of a trigger when it is made or changed. */
export type PipelineTriggerFacts = Pick<
  PipelineTrigger,
  "kind" | "name" | "url" | "enabled" | "verifiesCertificate" | "refFilter" | "options"
>;

/** What starts pipelines elsewhere. Tokens are sealed, and read by `HookSecretStore`. */
export interface PipelineTriggerStore {
  /** `token` null: it has none. */
  create(
    projectId: number,
    facts: PipelineTriggerFacts,
    token: string | null,
    createdBy: number,
  ): Promise<PipelineTrigger>;
  listOf(projectId: number): Promise<readonly PipelineTrigger[]>;
  find(id: number): Promise<PipelineTrigger | null>;
  /** `token` left out: it stays; null: it is taken away. Null when the trigger is gone. */
  update(id: number, facts: PipelineTriggerFacts, token?: string | null): Promise<PipelineTrigger | null>;
  remove(id: number): Promise<void>;
}
