import { ACCESS_LEVELS, may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import {
  type Actor,
  type BranchProtection,
  compileBranchProtection,
  isGranted,
} from "../../domain/protections.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import type { ProtectedBranch } from "../ports.ts";
import { actorOf } from "../protections/actor.ts";

/** What may be done with a branch. */
export interface RefAccess {
  readonly isProtected: boolean;
  readonly canPush: boolean;
  /** Whether a rule lets developers push or merge; false where there is none, as in GitLab. */
  readonly developersCanPush: boolean;
  readonly developersCanMerge: boolean;
}

/** Any member with the role, whom no entry names. */
const DEVELOPER: Actor = {
  level: ACCESS_LEVELS.developer,
  isAdmin: false,
  userId: null,
  groupIds: [],
  deployKeyId: null,
};

/** The rules of a project for whoever asks, as a question. */
export function compileRefAccess(
  rules: readonly Pick<ProtectedBranch, "name" | "allowForcePush" | "push" | "merge">[],
  principal: Principal,
  project: Project,
): (branch: RefName) => RefAccess {
  const mayWrite = may(principal, "write-repository", project);
  const accessOf = compileBranchProtection(rules, actorOf(principal, project));
  const push = compileDevelopers(rules);
  const merge = compileDevelopers(rules.map(({ merge: entries, ...rule }) => ({ ...rule, push: entries })));
  return (branch) => {
    const { isProtected, mayPush } = accessOf(branch);
    return {
      isProtected,
      canPush: mayWrite && mayPush,
      developersCanPush: push(branch),
      developersCanMerge: merge(branch),
    };
  };
}

/** Whether a rule for the branch has an entry for developers. */
function compileDevelopers(rules: readonly BranchProtection[]): (branch: RefName) => boolean {
  const accessOf = compileBranchProtection(
    rules.filter(({ push }) => isGranted(push, DEVELOPER)),
    DEVELOPER,
  );
  return (branch) => accessOf(branch).isProtected;
}
