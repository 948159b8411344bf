import { HeliostatError } from "../domain/errors.ts";
import { MOST_REFS } from "../domain/incoming-limits.ts";
import { validateAllowlist } from "../domain/outbound-allowlist.ts";
import type { InstanceSettings } from "./ports.ts";

/** A day: longer intervals are a typing error more often than a wish. */
const A_DAY = 86_400;
/** What a column holds; GitLab has no upper bound of its own. */
const ANY = 2_147_483_647;

type NumberSetting = {
  [K in keyof InstanceSettings]: InstanceSettings[K] extends number ? K : never;
}[keyof InstanceSettings];

/** Setting → its name in the API and its bounds. */
const BOUNDS: Readonly<Record<NumberSetting, readonly [name: string, least: number, most: number]>> = {
  mirrorMaxDelay: ["mirror_max_delay", 32, 60 * 24 * 365],
  mirrorMaxCapacity: ["mirror_max_capacity", 1, ANY],
  mirrorCapacityThreshold: ["mirror_capacity_threshold", 1, ANY],
  pushEventActivitiesLimit: ["push_event_activities_limit", 0, ANY],
  pushEventHooksLimit: ["push_event_hooks_limit", 0, ANY],
  gitPushPipelineLimit: ["git_push_pipeline_limit", 0, ANY],
  pullMirrorIntervalSeconds: ["pull_mirror_interval_seconds", 1, A_DAY],
  pullMirrorMinIntervalSeconds: ["pull_mirror_min_interval_seconds", 0, A_DAY],
  pushMirrorMinIntervalSeconds: ["push_mirror_min_interval_seconds", 0, A_DAY],
  mirrorMaxUpdatesPerHost: ["mirror_max_updates_per_host", 1, ANY],
  mirrorUpdateTimeoutSeconds: ["mirror_update_timeout_seconds", 1, 30 * A_DAY],
  mirrorStallTimeoutSeconds: ["mirror_stall_timeout_seconds", 1, A_DAY],
  repositorySizeLimit: ["repository_size_limit", 0, Number.MAX_SAFE_INTEGER],
  maxRefs: ["max_refs", 1, MOST_REFS],
  throttleUnauthenticatedApiRequestsPerPeriod: ["throttle_unauthenticated_api_requests_per_period", 1, ANY],
  throttleUnauthenticatedApiPeriodInSeconds: ["throttle_unauthenticated_api_period_in_seconds", 1, A_DAY],
  throttleAuthenticatedApiRequestsPerPeriod: ["throttle_authenticated_api_requests_per_period", 1, ANY],
  throttleAuthenticatedApiPeriodInSeconds: ["throttle_authenticated_api_period_in_seconds", 1, A_DAY],
  defaultBranchProtection: ["default_branch_protection", 0, 4],
  maxFileSize: ["max_file_size", 0, Number.MAX_SAFE_INTEGER],
  maxPushSize: ["max_push_size", 0, Number.MAX_SAFE_INTEGER],
  mirrorUpdateRetentionDays: ["mirror_update_retention_days", 1, 36_500],
  auditEventRetentionDays: ["audit_event_retention_days", 0, 36_500],
  sessionExpireDelay: ["session_expire_delay", 1, 60 * 24 * 365],
};

/** GitLab's own word, spelling and all. */
const THRESHOLD_TOO_HIGH = "Project's mirror capacity threshold can't be higher than it's maximum capacity";

/** What is wrong with these changes to the settings, as `model-invalid` with every complaint in GitLab's form. */
export function refuseBadSettings(changes: Partial<InstanceSettings>, before: InstanceSettings): void {
  const fields: Record<string, readonly string[]> = {};
  for (const setting of Object.keys(BOUNDS) as NumberSetting[]) {
    const [name, least, most] = BOUNDS[setting];
    const value = changes[setting];
    if (value === undefined || (value >= least && value <= most)) continue;
    fields[name] = [value > most ? `must be less than or equal to ${most}` : tooSmall(least)];
  }
  const { mirrorCapacityThreshold, mirrorMaxCapacity } = { ...before, ...changes };
  if (mirrorCapacityThreshold > mirrorMaxCapacity) {
    fields["mirror_capacity_threshold"] ??= [THRESHOLD_TOO_HIGH];
  }
  if (changes.outboundAllowlist) {
    const complaints = validateAllowlist(changes.outboundAllowlist);
    if (complaints.length > 0) fields["outbound_local_requests_whitelist"] = complaints;
  }
  if (Object.keys(fields).length > 0) {
    throw new HeliostatError("model-invalid", "a setting is out of range", { fields });
  }
}

/** GitLab's two ways to say it. */
function tooSmall(least: number): string {
  return least === 0 ? "must be greater than or equal to 0" : `must be greater than ${least - 1}`;
}
