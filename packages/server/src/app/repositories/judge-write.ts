import { branchFilterOf, compileBranchFilter } from "../../domain/branch-filter.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { type IncomingLimits, incomingLimits } from "../../domain/incoming-limits.ts";
import { may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import { type BranchProtection, defaultBranchRule, protectsEmptyProject } from "../../domain/protections.ts";
import {
  judgePush,
  type PushCommand,
  type PushDoor,
  type PushRules,
  type PushVerdict,
} from "../../domain/push-rules.ts";
import { type RefName, shortName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import type { InstanceSettings, Ports } from "../ports.ts";
import { actorOf } from "../protections/actor.ts";

type RulePorts = Pick<
  Ports,
  "mirrors" | "projects" | "protectedBranches" | "protectedTags" | "repositories" | "settings"
>;

/** What the rules of this moment say of a write, and the limits that it is to keep. */
export interface JudgedWrite extends PushVerdict {
  readonly limits: IncomingLimits;
}

/** Throws unless the principal may write to this project at all. */
export function refusePush(principal: Principal, project: Project): void {
  if (may(principal, "write-repository", project)) return;
  if (principal.kind === "anonymous") throw new HeliostatError("unauthenticated", "Sign in to push.");
  throw new HeliostatError(
    "forbidden",
    project.archived
      ? "This project is archived and read-only: unarchive it to push."
      : "You are not allowed to push code to this project.",
  );
}

/**
 * Judges what a client wants to do with refs, whichever way it asks, by the project, rules and settings as they are now.
 * Throws when the principal may not write to the project, or it is gone.
 */
export async function judgeWrite(
  ports: RulePorts,
  principal: Principal,
  projectId: number,
  { commands, door }: { readonly commands: readonly PushCommand[]; readonly door: PushDoor },
): Promise<JudgedWrite> {
  const [project, settings] = await Promise.all([ports.projects.find(projectId), ports.settings.read()]);
  if (!project) throw new HeliostatError("not-found", "The project was removed.");
  refusePush(principal, project);
  const rules = await readRules(ports, principal, project, settings);
  return {
    ...judgePush(commands, { ...rules, door }),
    limits: incomingLimits(project.limits, settings),
  };
}

async function readRules(
  ports: RulePorts,
  principal: Principal,
  project: Project,
  settings: InstanceSettings,
): Promise<Omit<PushRules, "door">> {
  const path = ports.repositories.pathOf(project.id);
  const [branches, tags, [mirror], defaultBranch] = await Promise.all([
    ports.protectedBranches.list(project.id),
    ports.protectedTags.list(project.id),
    ports.mirrors.listOf(project.id, "pull"),
    ports.repositories.readDefaultBranch(path),
  ]);
  const patterns = branches.map(({ name }) => name);
  const isMirrored: (branch: RefName) => boolean = mirror?.enabled
    ? compileBranchFilter(branchFilterOf(mirror.options, patterns))
    : () => false;
  return {
    actor: actorOf(principal, project),
    branches: withRuleToCome(branches, project, defaultBranch, settings),
    tags,
    head: defaultBranch,
    isFirstPushProtected:
      defaultBranch === null &&
      !project.defaultBranchWasProtected &&
      protectsEmptyProject(settings.defaultBranchProtection),
    isMirrored,
    pushesToMirroredBranches: project.pushesToMirroredBranches,
  };
}

/**
 * A default branch that has come for the first time is protected once its write has ended. Until then, and should that
 * fail, it is judged by the rule that it is to have.
 */
function withRuleToCome(
  branches: readonly BranchProtection[],
  { defaultBranchWasProtected }: Project,
  defaultBranch: RefName | null,
  { defaultBranchProtection }: InstanceSettings,
): readonly BranchProtection[] {
  if (defaultBranch === null || defaultBranchWasProtected) return branches;
  const name = shortName(defaultBranch);
  const rule = defaultBranchRule(defaultBranchProtection);
  if (rule === null || branches.some((branch) => branch.name === name)) return branches;
  return [...branches, { name, allowForcePush: false, push: rule.push.map((grantee) => ({ grantee })) }];
}
