import { HeliostatError, invalidField } from "../../domain/errors.ts";
import type { Project } from "../../domain/project.ts";
import { isGranted } from "../../domain/protections.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import { lookAgain } from "../mirrors/look-again.ts";
import type { BranchAction, Ports, ProtectedBranch } from "../ports.ts";
import { actorOf } from "./actor.ts";
import { describeGrantees } from "./describe-entries.ts";
import type { ProtectionUseCases } from "./protection-use-cases.ts";
import { type GranteePorts, refuseStrangers } from "./refuse-strangers.ts";
import { auditRule, MAINTAINERS, noRule, requireRule } from "./rules.ts";

type ProtectedBranchUseCases = Pick<
  ProtectionUseCases,
  | "listProtectedBranches"
  | "findProtectedBranch"
  | "createProtectedBranch"
  | "updateProtectedBranch"
  | "removeProtectedBranch"
>;

type ProtectedBranchPorts = GranteePorts & Pick<Ports, "audit" | "clock" | "mirrors" | "projects" | "queue">;

/** What GitLab's complaints call the entries. */
const ENTRIES: Readonly<Record<BranchAction, string>> = {
  push: "Push access levels",
  merge: "Merge access levels",
  unprotect: "Unprotect access levels",
};
const ACTIONS = ["push", "merge", "unprotect"] as const;

/** The rules of branches; mirrors that go by them look again at once. */
export function protectedBranchUseCases(ports: ProtectedBranchPorts): ProtectedBranchUseCases {
  return {
    async listProtectedBranches(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-code");
      return await ports.protectedBranches.list(project.id);
    },
    async findProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "read-code");
      return await find(project, name);
    },
    async createProtectedBranch(principal, which, { name, allowForcePush = false, ...entries }) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      if (name.trim() === "") throw invalidField("name", "can't be blank");
      const { push = MAINTAINERS, merge = MAINTAINERS, unprotect = [] } = entries;
      const draft = { name, allowForcePush, push, merge, unprotect };
      for (const action of ACTIONS) await refuseStrangers(ports, project, ENTRIES[action], draft[action]);
      const branch = await ports.protectedBranches.create(project.id, draft);
      await note(principal, project, "protected-branch-created", branch);
      await updateMirrors(ports, project.id, requireSignedIn(principal).user.id);
      return branch;
    },
    async updateProtectedBranch(principal, which, name, wish) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      const before = await find(project, name);
      refuseUnlessTheirs(principal, project, before);
      for (const action of ACTIONS) {
        const { add = [], change = [] } = wish[action] ?? {};
        const named = [...add, ...change.map(({ grantee }) => grantee)];
        await refuseStrangers(ports, project, ENTRIES[action], named);
      }
      const branch = await ports.protectedBranches.update(project.id, name, wish);
      if (!branch) throw noRule();
      await note(principal, project, "protected-branch-changed", branch, before);
      await updateMirrors(ports, project.id, requireSignedIn(principal).user.id);
      return branch;
    },
    async removeProtectedBranch(principal, which, name) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      const branch = await find(project, name);
      refuseUnlessTheirs(principal, project, branch);
      if (!(await ports.protectedBranches.remove(project.id, name))) throw noRule();
      await note(principal, project, "protected-branch-removed", branch);
      await updateMirrors(ports, project.id, requireSignedIn(principal).user.id);
    },
  };

  async function find(project: Project, name: string): Promise<ProtectedBranch> {
    return requireRule(await ports.protectedBranches.list(project.id), name);
  }

  async function note(
    principal: Principal,
    project: Project,
    action: string,
    branch: ProtectedBranch,
    before: ProtectedBranch | null = null,
  ): Promise<void> {
    const details = { ...describe(branch), ...(before === null ? {} : { before: describe(before) }) };
    await auditRule(ports, principal, project, { action, type: "ProtectedBranch", rule: branch, details });
  }
}

function describe(branch: ProtectedBranch): Readonly<Record<string, unknown>> {
  return {
    push: describeGrantees(branch.push),
    merge: describeGrantees(branch.merge),
    unprotect: describeGrantees(branch.unprotect),
    allow_force_push: branch.allowForcePush,
  };
}

/** Maintainers may change a rule, unless it says itself who may. */
function refuseUnlessTheirs(principal: Principal, project: Project, { unprotect }: ProtectedBranch): void {
  if (unprotect.length === 0 || isGranted(unprotect, actorOf(principal, project))) return;
  throw new HeliostatError("forbidden", "Only those named in unprotect_access_levels may change this rule.");
}

/** Mirrors of protected branches only want other branches now, and what a pull mirror held may come. */
async function updateMirrors(ports: ProtectedBranchPorts, projectId: number, userId: number): Promise<void> {
  const mirrors = await ports.mirrors.listOf(projectId);
  const concerned = mirrors.filter(
    ({ options, direction, holdsRefs }) =>
      options.onlyProtectedBranches || (direction === "pull" && holdsRefs),
  );
  await lookAgain(ports, concerned, userId);
}
