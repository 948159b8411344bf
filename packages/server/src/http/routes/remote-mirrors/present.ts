import type { RemoteMirrorAnswer } from "@heliostat/contract/api/remote-mirrors.ts";
import type { Mirror } from "../../../domain/mirror.ts";
import { presentFingerprints, presentTime, presentUrl } from "../mirrors/present.ts";

/** A push mirror with exactly GitLab's keys. */
export function presentRemoteMirror(mirror: Mirror): RemoteMirrorAnswer {
  return {
    id: mirror.id,
    enabled: mirror.enabled,
    url: presentUrl(mirror),
    update_status: mirror.updateStatus,
    last_update_at: presentTime(mirror.lastUpdateAt),
    last_update_started_at: presentTime(mirror.lastUpdateStartedAt),
    last_successful_update_at: presentTime(mirror.lastSuccessfulUpdateAt),
    last_error: mirror.lastError,
    only_protected_branches: mirror.options.onlyProtectedBranches,
    keep_divergent_refs: mirror.options.keepDivergentRefs,
    auth_method: mirror.authMethod,
    host_keys: presentFingerprints(mirror),
    mirror_branch_regex: mirror.options.branchRegex,
  };
}
