import type { Selectable } from "kysely";
import type { InstanceSettings, InstanceSettingsStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { brokeCheck } from "./broken-constraint.ts";
import type { Db } from "./pool.ts";
import { prepare } from "./prepared.ts";
import type { Database } from "./schema.ts";

const ALL = prepare("instance-settings", (db) => db.selectFrom("instance_settings").selectAll());

/** The one row of settings, read from the database each time; a `bug` when it is missing. */
export function createInstanceSettingsStore(db: Db): InstanceSettingsStore {
  return {
    async read() {
      const [row] = await ALL.read(db, []);
      if (row === undefined) throw new HeliostatError("bug", "the instance has no settings");
      return toSettings(row);
    },
    async write(changes) {
      const columns = {
        allow_local_requests: changes.allowLocalRequests,
        mirror_available: changes.mirrorAvailable,
        pull_mirror_interval_seconds: changes.pullMirrorIntervalSeconds,
        pull_mirror_min_interval_seconds: changes.pullMirrorMinIntervalSeconds,
        push_mirror_min_interval_seconds: changes.pushMirrorMinIntervalSeconds,
        silent_mode_enabled: changes.silentModeEnabled,
        mirror_max_delay: changes.mirrorMaxDelay,
        mirror_max_capacity: changes.mirrorMaxCapacity,
        mirror_capacity_threshold: changes.mirrorCapacityThreshold,
        mirror_max_updates_per_host: changes.mirrorMaxUpdatesPerHost,
        mirror_update_timeout_seconds: changes.mirrorUpdateTimeoutSeconds,
        mirror_stall_timeout_seconds: changes.mirrorStallTimeoutSeconds,
        mirror_update_retention_days: changes.mirrorUpdateRetentionDays,
        audit_event_retention_days: changes.auditEventRetentionDays,
        repository_size_limit: changes.repositorySizeLimit,
        max_refs: changes.maxRefs,
        fsck_severity: changes.fsckSeverity,
        require_two_factor_authentication: changes.requiresSecondFactor,
        push_event_activities_limit: changes.pushEventActivitiesLimit,
        push_event_hooks_limit: changes.pushEventHooksLimit,
        git_push_pipeline_limit: changes.gitPushPipelineLimit,
        outbound_allowlist: changes.outboundAllowlist && [...changes.outboundAllowlist],
        deny_all_requests_except_allowed: changes.denyAllRequestsExceptAllowed,
        dns_rebinding_protection_enabled: changes.dnsRebindingProtectionEnabled,
        session_expire_delay: changes.sessionExpireDelay,
        throttle_unauthenticated_api_enabled: changes.throttleUnauthenticatedApiEnabled,
        throttle_unauthenticated_api_requests_per_period: changes.throttleUnauthenticatedApiRequestsPerPeriod,
        throttle_unauthenticated_api_period_in_seconds: changes.throttleUnauthenticatedApiPeriodInSeconds,
        throttle_authenticated_api_enabled: changes.throttleAuthenticatedApiEnabled,
        throttle_authenticated_api_requests_per_period: changes.throttleAuthenticatedApiRequestsPerPeriod,
        throttle_authenticated_api_period_in_seconds: changes.throttleAuthenticatedApiPeriodInSeconds,
        default_branch_protection: changes.defaultBranchProtection,
        max_file_size: changes.maxFileSize,
        max_push_size: changes.maxPushSize,
      };
      // `only_row` makes an empty change a valid statement too.
      const row = await refuseCrossedThreshold(() =>
        db
          .updateTable("instance_settings")
          .set({ only_row: true, ...columns })
          .returningAll()
          .executeTakeFirstOrThrow(),
      );
      return toSettings(row);
    },
  };
}

/** Two admins at once: each of the two values was good next to what the other admin had not changed yet. */
async function refuseCrossedThreshold<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!brokeCheck(error)) throw error;
    throw new HeliostatError(
      "conflict",
      "The settings were changed at the same time: read them and try again.",
      {
        cause: error,
      },
    );
  }
}

/** Makes the one row at the first start; later starts leave what an admin set. */
export async function initInstanceSettings(db: Db, first: { allowLocalRequests: boolean }): Promise<void> {
  await db
    .insertInto("instance_settings")
    .values({ allow_local_requests: first.allowLocalRequests })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function toSettings(row: Selectable<Database["instance_settings"]>): InstanceSettings {
  return {
    allowLocalRequests: row.allow_local_requests,
    mirrorAvailable: row.mirror_available,
    pullMirrorIntervalSeconds: row.pull_mirror_interval_seconds,
    pullMirrorMinIntervalSeconds: row.pull_mirror_min_interval_seconds,
    pushMirrorMinIntervalSeconds: row.push_mirror_min_interval_seconds,
    silentModeEnabled: row.silent_mode_enabled,
    mirrorMaxDelay: row.mirror_max_delay,
    mirrorMaxCapacity: row.mirror_max_capacity,
    mirrorCapacityThreshold: row.mirror_capacity_threshold,
    mirrorMaxUpdatesPerHost: row.mirror_max_updates_per_host,
    mirrorUpdateTimeoutSeconds: row.mirror_update_timeout_seconds,
    mirrorStallTimeoutSeconds: row.mirror_stall_timeout_seconds,
    mirrorUpdateRetentionDays: row.mirror_update_retention_days,
    auditEventRetentionDays: row.audit_event_retention_days,
    repositorySizeLimit: row.repository_size_limit,
    maxRefs: row.max_refs,
    fsckSeverity: row.fsck_severity,
    requiresSecondFactor: row.require_two_factor_authentication,
    pushEventActivitiesLimit: row.push_event_activities_limit,
    pushEventHooksLimit: row.push_event_hooks_limit,
    gitPushPipelineLimit: row.git_push_pipeline_limit,
    outboundAllowlist: row.outbound_allowlist,
    denyAllRequestsExceptAllowed: row.deny_all_requests_except_allowed,
    dnsRebindingProtectionEnabled: row.dns_rebinding_protection_enabled,
    sessionExpireDelay: row.session_expire_delay,
    throttleUnauthenticatedApiEnabled: row.throttle_unauthenticated_api_enabled,
    throttleUnauthenticatedApiRequestsPerPeriod: row.throttle_unauthenticated_api_requests_per_period,
    throttleUnauthenticatedApiPeriodInSeconds: row.throttle_unauthenticated_api_period_in_seconds,
    throttleAuthenticatedApiEnabled: row.throttle_authenticated_api_enabled,
    throttleAuthenticatedApiRequestsPerPeriod: row.throttle_authenticated_api_requests_per_period,
    throttleAuthenticatedApiPeriodInSeconds: row.throttle_authenticated_api_period_in_seconds,
    defaultBranchProtection: row.default_branch_protection,
    maxFileSize: row.max_file_size,
    maxPushSize: row.max_push_size,
  };
}
