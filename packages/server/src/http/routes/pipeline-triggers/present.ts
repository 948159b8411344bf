import type {
  PipelineDeliveryAnswer,
  PipelineTriggerAnswer,
} from "@heliostat/contract/api/pipeline-triggers.ts";
import { readRun } from "../../../app/pipelines/compose-pipeline-request.ts";
import type { DeliveryLogEntry } from "../../../app/ports.ts";
import { alertStatusOf } from "../../../domain/delivery.ts";
import type { PipelineTrigger } from "../../../domain/pipeline-trigger.ts";
import { presentTime } from "../mirrors/present.ts";

export function presentPipelineTrigger(trigger: PipelineTrigger): PipelineTriggerAnswer {
  const { health, options } = trigger;
  const { disabledUntil } = health;
  return {
    id: trigger.id,
    project_id: trigger.projectId,
    kind: trigger.kind,
    name: trigger.name,
    url: trigger.url,
    enabled: trigger.enabled,
    enable_ssl_verification: trigger.verifiesCertificate,
    ref_filter: trigger.refFilter,
    workflow: options.workflow,
    user: options.user,
    variables: { ...options.variables },
    has_token: trigger.hasToken,
    alert_status: alertStatusOf(health, new Date()),
    disabled_until: disabledUntil === "for-good" ? null : presentTime(disabledUntil),
    created_at: trigger.createdAt.toISOString(),
    updated_at: trigger.updatedAt.toISOString(),
  };
}

export function presentPipelineDelivery(entry: DeliveryLogEntry): PipelineDeliveryAnswer {
  const run = readRun(entry);
  return {
    id: entry.id,
    ...{ ref: run.ref, old: run.old, new: run.new },
    url: entry.url,
    request_headers: { ...entry.requestHeaders },
    response_status: entry.responseStatus,
    response_headers: { ...entry.responseHeaders },
    response_body: entry.responseBody,
    execution_duration: entry.duration,
    error: entry.error,
    attempts: entry.attempts,
    next_attempt_at: presentTime(entry.nextAttemptAt),
    created_at: entry.createdAt.toISOString(),
  };
}
