import type { PullMirrorAnswer, PullMirrorStartAnswer } from "@heliostat/contract/api/pull-mirror.ts";
import type { MirrorStart } from "../../../app/use-cases.ts";
import type { Mirror } from "../../../domain/mirror.ts";
import { presentFingerprints, presentTime, presentUrl } from "../mirrors/present.ts";

/** A pull mirror with GitLab's keys, and what GitLab shows of push mirrors only. */
export function presentPullMirror(mirror: Mirror): PullMirrorAnswer {
  return {
    id: mirror.id,
    update_status: mirror.updateStatus,
    url: presentUrl(mirror),
    last_error: mirror.lastError,
    last_update_at: presentTime(mirror.lastUpdateAt),
    last_update_started_at: presentTime(mirror.lastUpdateStartedAt),
    last_successful_update_at: presentTime(mirror.lastSuccessfulUpdateAt),
    enabled: mirror.enabled,
    mirror_trigger_builds: mirror.options.triggerBuilds,
    only_mirror_protected_branches: mirror.options.onlyProtectedBranches,
    mirror_overwrites_diverged_branches: mirror.options.overwritesDivergedBranches,
    mirror_branch_regex: mirror.options.branchRegex,
    auth_method: mirror.authMethod,
    host_keys: presentFingerprints(mirror),
  };
}

/** No client reads the message. The time of the next run is ours: GitLab hides that a start may have to wait. */
export function presentStart(start: MirrorStart): PullMirrorStartAnswer {
  return { message: "200 OK", next_update_at: presentTime(start.nextUpdateAt) };
}
