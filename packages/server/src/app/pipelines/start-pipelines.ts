import { randomUUID } from "node:crypto";
import type { Mirror } from "../../domain/mirror.ts";
import { canRun, type PipelineRun, type PipelineTrigger } from "../../domain/pipeline-trigger.ts";
import { compileRegex } from "../../domain/re2-regex.ts";
import type { RefResult } from "../../domain/refs.ts";
import type { DeliveryDraft, Ports } from "../ports.ts";

/** What these deliveries are about; of ours, not one of GitLab's. */
export const PIPELINE_EVENT = "pipeline_trigger";

/**
 * Has the project's pipelines started for the branches and tags that this update of its pull mirror brought, as far as
 * `mirror_trigger_builds` and `git_push_pipeline_limit` let it. The requests are in the database when this resolves.
 * What goes wrong is a line in the log: the mirror is updated all the same.
 */
export async function startPipelines(
  ports: Pick<Ports, "clock" | "deliveries" | "log" | "pipelineTriggers" | "settings">,
  mirror: Pick<Mirror, "direction" | "id" | "options" | "projectId">,
  results: readonly RefResult[],
): Promise<void> {
  if (mirror.direction !== "pull" || !mirror.options.triggerBuilds) return;
  const runs = results.flatMap(({ ref, old, new: tip, outcome }) =>
    outcome === "created" || outcome === "fast-forward" || outcome === "forced"
      ? [{ ref, old, new: tip }]
      : [],
  );
  if (runs.length === 0) return;
  try {
    const triggers = (await ports.pipelineTriggers.listOf(mirror.projectId)).filter(({ enabled }) => enabled);
    if (triggers.length === 0) return;
    const { gitPushPipelineLimit: limit } = await ports.settings.read();
    // As in GitLab, 0 is no limit.
    const some = limit === 0 ? runs : runs.slice(0, limit);
    const drafts = some.flatMap((run) => {
      const eventUuid = randomUUID();
      return triggers
        .filter((trigger) => takes(trigger, run))
        .map((trigger) => pipelineDraft(trigger, run, eventUuid));
    });
    if (drafts.length > 0) await ports.deliveries.put(drafts, ports.clock.now());
  } catch (error) {
    const { id: mirrorId, projectId } = mirror;
    ports.log.error({ mirrorId, projectId, err: error }, "the pipelines of an update could not be started");
  }
}

/** The delivery that starts the pipeline of this trigger. */
export function pipelineDraft(
  { id, projectId }: Pick<PipelineTrigger, "id" | "projectId">,
  { ref, old, new: tip }: PipelineRun,
  eventUuid: string,
): DeliveryDraft {
  return {
    projectId,
    target: { kind: "pipeline-trigger", id },
    event: PIPELINE_EVENT,
    eventUuid,
    idempotencyKey: randomUUID(),
    payload: JSON.stringify({ ref, old, new: tip }),
  };
}

function takes({ kind, refFilter }: PipelineTrigger, { ref }: PipelineRun): boolean {
  return canRun(kind, ref) && (refFilter === null || compileRegex(refFilter).test(ref));
}
