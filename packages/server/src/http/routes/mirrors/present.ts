import type { MirrorAnswer, MirrorUpdateAnswer } from "@heliostat/contract/api/mirrors.ts";
import type { Mirror, MirrorUpdate } from "../../../domain/mirror.ts";
import { maskUrl } from "../../../domain/remote-url.ts";

/** The mirror's URL for answers: userinfo that came inside it is masked, what came apart from it is not shown. */
export function presentUrl(mirror: Mirror): string {
  return maskUrl(mirror.url, {
    hadUserinfo: mirror.urlHadUserinfo,
    username: mirror.username,
    hasPassword: mirror.hasPassword,
  });
}

export function presentTime(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}

export function presentMirror(mirror: Mirror): MirrorAnswer {
  return {
    id: mirror.id,
    project_id: mirror.projectId,
    direction: mirror.direction,
    enabled: mirror.enabled,
    url: presentUrl(mirror),
    auth_method: mirror.authMethod,
    update_status: mirror.updateStatus,
    last_error: mirror.lastError,
    last_update_at: presentTime(mirror.lastUpdateAt),
    last_update_started_at: presentTime(mirror.lastUpdateStartedAt),
    last_successful_update_at: presentTime(mirror.lastSuccessfulUpdateAt),
    next_check_at: presentTime(mirror.nextCheckAt),
    retry_count: mirror.retryCount,
    only_protected_branches: mirror.options.onlyProtectedBranches,
    mirror_branch_regex: mirror.options.branchRegex,
    keep_divergent_refs: mirror.options.keepDivergentRefs,
    overwrites_diverged_branches: mirror.options.overwritesDivergedBranches,
    trigger_builds: mirror.options.triggerBuilds,
    user_id: mirror.userId,
    created_at: mirror.createdAt.toISOString(),
    updated_at: mirror.updatedAt.toISOString(),
  };
}

export function presentUpdate(update: MirrorUpdate): MirrorUpdateAnswer {
  return {
    id: update.id,
    mirror_id: update.mirrorId,
    trigger: update.trigger,
    status: update.status,
    started_at: update.startedAt.toISOString(),
    finished_at: presentTime(update.finishedAt),
    error: update.error,
    notes: [...update.notes],
    refs: update.results.map((result) => ({
      ref: result.ref,
      outcome: result.outcome,
      old_oid: result.old,
      new_oid: result.new,
      message: result.message ?? null,
    })),
  };
}
