import {
  applicationSettingsParams,
  applicationSettingsSchema,
} from "@heliostat/contract/api/application-settings.ts";
import { noParams } from "@heliostat/contract/api/parameters.ts";
import { given } from "../../../domain/given.ts";
import { apiRoute, ok } from "../../api-route.ts";
import { presentSettings } from "./present.ts";

export const applicationSettingsRoutes = [
  apiRoute({
    method: "GET",
    path: "/application/settings",
    access: "read_api",
    summary: "Show the settings of the instance",
    params: noParams,
    answer: applicationSettingsSchema,
    handle: async ({ useCases, principal }) => ok(presentSettings(await useCases.readSettings(principal))),
  }),
  apiRoute({
    method: "PUT",
    path: "/application/settings",
    access: "api",
    summary: "Change the settings of the instance",
    params: applicationSettingsParams,
    answer: applicationSettingsSchema,
    handle: async ({ useCases, principal, params }) => {
      const changes = given({
        mirrorAvailable: params.mirror_available,
        silentModeEnabled: params.silent_mode_enabled,
        allowLocalRequests: params.allow_local_requests_from_web_hooks_and_services,
        denyAllRequestsExceptAllowed: params.deny_all_requests_except_allowed,
        dnsRebindingProtectionEnabled: params.dns_rebinding_protection_enabled,
        outboundAllowlist: params.outbound_local_requests_whitelist,
        mirrorMaxDelay: params.mirror_max_delay,
        mirrorMaxCapacity: params.mirror_max_capacity,
        mirrorCapacityThreshold: params.mirror_capacity_threshold,
        pushEventActivitiesLimit: params.push_event_activities_limit,
        pushEventHooksLimit: params.push_event_hooks_limit,
        gitPushPipelineLimit: params.git_push_pipeline_limit,
        pullMirrorIntervalSeconds: params.pull_mirror_interval_seconds,
        pullMirrorMinIntervalSeconds: params.pull_mirror_min_interval_seconds,
        pushMirrorMinIntervalSeconds: params.push_mirror_min_interval_seconds,
        mirrorMaxUpdatesPerHost: params.mirror_max_updates_per_host,
        mirrorUpdateTimeoutSeconds: params.mirror_update_timeout_seconds,
        mirrorStallTimeoutSeconds: params.mirror_stall_timeout_seconds,
        mirrorUpdateRetentionDays: params.mirror_update_retention_days,
        auditEventRetentionDays: params.audit_event_retention_days,
        repositorySizeLimit: params.repository_size_limit,
        maxRefs: params.max_refs,
        fsckSeverity: params.fsck_severity,
        sessionExpireDelay: params.session_expire_delay,
        throttleUnauthenticatedApiEnabled: params.throttle_unauthenticated_api_enabled,
        throttleUnauthenticatedApiRequestsPerPeriod: params.throttle_unauthenticated_api_requests_per_period,
        throttleUnauthenticatedApiPeriodInSeconds: params.throttle_unauthenticated_api_period_in_seconds,
        throttleAuthenticatedApiEnabled: params.throttle_authenticated_api_enabled,
        throttleAuthenticatedApiRequestsPerPeriod: params.throttle_authenticated_api_requests_per_period,
        throttleAuthenticatedApiPeriodInSeconds: params.throttle_authenticated_api_period_in_seconds,
        defaultBranchProtection: params.default_branch_protection,
        maxFileSize: params.max_file_size,
        maxPushSize: params.max_push_size,
        requiresSecondFactor: params.require_two_factor_authentication,
      });
      return ok(presentSettings(await useCases.writeSettings(principal, changes)));
    },
  }),
];
