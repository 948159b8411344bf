import type { ApplicationSettingsAnswer } from "@heliostat/contract/api/application-settings.ts";
import type { InstanceSettings } from "../../../app/ports.ts";

/** The settings by GitLab's names where it has them, and in its units. */
export function presentSettings(settings: InstanceSettings): ApplicationSettingsAnswer {
  return {
    mirror_available: settings.mirrorAvailable,
    silent_mode_enabled: settings.silentModeEnabled,
    allow_local_requests_from_web_hooks_and_services: settings.allowLocalRequests,
    deny_all_requests_except_allowed: settings.denyAllRequestsExceptAllowed,
    dns_rebinding_protection_enabled: settings.dnsRebindingProtectionEnabled,
    outbound_local_requests_whitelist: [...settings.outboundAllowlist],
    mirror_max_delay: settings.mirrorMaxDelay,
    mirror_max_capacity: settings.mirrorMaxCapacity,
    mirror_capacity_threshold: settings.mirrorCapacityThreshold,
    push_event_activities_limit: settings.pushEventActivitiesLimit,
    push_event_hooks_limit: settings.pushEventHooksLimit,
    git_push_pipeline_limit: settings.gitPushPipelineLimit,
    pull_mirror_interval_seconds: settings.pullMirrorIntervalSeconds,
    pull_mirror_min_interval_seconds: settings.pullMirrorMinIntervalSeconds,
    push_mirror_min_interval_seconds: settings.pushMirrorMinIntervalSeconds,
    mirror_max_updates_per_host: settings.mirrorMaxUpdatesPerHost,
    mirror_update_timeout_seconds: settings.mirrorUpdateTimeoutSeconds,
    mirror_stall_timeout_seconds: settings.mirrorStallTimeoutSeconds,
    mirror_update_retention_days: settings.mirrorUpdateRetentionDays,
    audit_event_retention_days: settings.auditEventRetentionDays,
    repository_size_limit: settings.repositorySizeLimit,
    max_refs: settings.maxRefs,
    fsck_severity: settings.fsckSeverity,
    session_expire_delay: settings.sessionExpireDelay,
    throttle_unauthenticated_api_enabled: settings.throttleUnauthenticatedApiEnabled,
    throttle_unauthenticated_api_requests_per_period: settings.throttleUnauthenticatedApiRequestsPerPeriod,
    throttle_unauthenticated_api_period_in_seconds: settings.throttleUnauthenticatedApiPeriodInSeconds,
    throttle_authenticated_api_enabled: settings.throttleAuthenticatedApiEnabled,
    throttle_authenticated_api_requests_per_period: settings.throttleAuthenticatedApiRequestsPerPeriod,
    throttle_authenticated_api_period_in_seconds: settings.throttleAuthenticatedApiPeriodInSeconds,
    default_branch_protection: settings.defaultBranchProtection,
    max_file_size: settings.maxFileSize,
    max_push_size: settings.maxPushSize,
    require_two_factor_authentication: settings.requiresSecondFactor,
  };
}
