import type { AccessLevelAnswer, ProtectedBranchAnswer } from "@heliostat/contract/api/protected-branches.ts";
import type { ProtectedBranch } from "../../../app/ports.ts";

const MAINTAINER = 40;

/** Only the name counts here so far: who may push is answered as GitLab's default. Entry ids must be stable. */
export function presentProtectedBranch(branch: ProtectedBranch): ProtectedBranchAnswer {
  const maintainers: AccessLevelAnswer = {
    id: branch.id,
    access_level: MAINTAINER,
    access_level_description: "Maintainers",
    deploy_key_id: null,
    user_id: null,
    group_id: null,
  };
  return {
    id: branch.id,
    name: branch.name,
    push_access_levels: [maintainers],
    merge_access_levels: [maintainers],
    unprotect_access_levels: [],
    allow_force_push: false,
    code_owner_approval_required: false,
    inherited: false,
  };
}
