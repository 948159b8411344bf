import type { ProtectedBranchAnswer } from "@heliostat/contract/api/protected-branches.ts";
import type { ProtectedBranch } from "../../../app/ports.ts";
import { presentEntry } from "./access-entries.ts";

/** In GitLab's form. There are no code owners here. */
export function presentProtectedBranch(branch: ProtectedBranch): ProtectedBranchAnswer {
  return {
    id: branch.id,
    name: branch.name,
    push_access_levels: branch.push.map(presentEntry),
    merge_access_levels: branch.merge.map(presentEntry),
    unprotect_access_levels: branch.unprotect.map(presentEntry),
    allow_force_push: branch.allowForcePush,
    code_owner_approval_required: false,
    inherited: false,
  };
}
