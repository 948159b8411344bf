import { HOOK_EVENTS, type HookEvent } from "@heliostat/contract";
import type { HookAnswer, HookEventAnswer } from "@heliostat/contract/api/hooks.ts";
import type { HookView } from "../../../app/hooks/hook-use-cases.ts";
import type { DeliveryLogEntry } from "../../../app/ports.ts";

export function presentHook({ hook, alertStatus, disabledUntil, needsSecret }: HookView): HookAnswer {
  const keys = (names: readonly string[]) => names.map((key) => ({ key }));
  return {
    id: hook.id,
    url: hook.url,
    name: hook.name,
    description: hook.description,
    project_id: hook.projectId,
    created_at: hook.createdAt.toISOString(),
    ...switchesOf(hook.events),
    push_events_branch_filter: hook.branchFilter,
    branch_filter_strategy: hook.branchFilterStrategy,
    custom_webhook_template: hook.template,
    enable_ssl_verification: hook.verifiesCertificate,
    alert_status: alertStatus,
    disabled_until: disabledUntil?.toISOString() ?? null,
    url_variables: keys(hook.urlVariables),
    custom_headers: keys(hook.customHeaders),
    token_present: hook.hasToken,
    signing_token_present: hook.hasSigningToken,
    needs_secret: needsSecret,
  };
}

function switchesOf(events: readonly HookEvent[]): Record<HookEvent, boolean> {
  const all = HOOK_EVENTS.map((event) => [event, events.includes(event)] as const);
  return Object.fromEntries(all) as Record<HookEvent, boolean>;
}

export function presentHookEvent(entry: DeliveryLogEntry): HookEventAnswer {
  return {
    id: entry.id,
    url: entry.url,
    trigger: entry.event,
    request_headers: { ...entry.requestHeaders },
    request_data: JSON.parse(entry.payload),
    response_headers: { ...entry.responseHeaders },
    response_body: entry.responseBody,
    execution_duration: entry.duration,
    response_status: statusOf(entry),
    error: entry.error,
    attempts: entry.attempts,
    next_attempt_at: entry.nextAttemptAt?.toISOString() ?? null,
    created_at: entry.createdAt.toISOString(),
  };
}

/** A text, as in GitLab. */
function statusOf({ responseStatus, error }: DeliveryLogEntry): string {
  if (responseStatus !== null) return String(responseStatus);
  return error === null ? "pending" : "internal error";
}
