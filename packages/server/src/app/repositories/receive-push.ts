import type { Readable, Writable } from "node:stream";
import { branchFilterOf, compileBranchFilter } from "../../domain/branch-filter.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { incomingLimits } from "../../domain/incoming-limits.ts";
import { may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import { protectsEmptyProject } from "../../domain/protections.ts";
import type { RefRefusal } from "../../domain/push-refusal.ts";
import { judgePush, mirroredWarning, type PushRules } from "../../domain/push-rules.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import { viewerOf } from "../access.ts";
import { refreshPrincipal } from "../accounts/refresh-principal.ts";
import { recordPush } from "../events/record-moves.ts";
import type { GitExchange } from "../git-exchange.ts";
import { notePushWishes } from "../mirrors/request-update.ts";
import type { InstanceSettings, Ports, PushedRef, PushPlan, PushRequest } from "../ports.ts";
import { actorOf } from "../protections/actor.ts";
import { protectDefaultBranch } from "../protections/protect-default-branch.ts";
import { admissionTo } from "./admission.ts";

interface Streams {
  readonly input: Readable;
  readonly output: Writable;
  readonly exchange: GitExchange;
}

/** Throws unless the principal may push to this project at all. */
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
 * Takes a push, by whichever door it comes: its commands are judged by the rules of this moment, what passes is applied
 * by git, and then all that follows from it is noted: events, push mirrors, the protection of a new default branch,
 * housekeeping.
 */
export async function receivePush(
  ports: Ports,
  { principal, project }: { readonly principal: Principal; readonly project: Project },
  { input, output, exchange }: Streams,
): Promise<void> {
  const path = ports.repositories.pathOf(project.id);
  let isWriting = false;
  let pushed: readonly PushedRef[] = [];
  const decide = async (request: PushRequest): Promise<PushPlan> => {
    const plan = await planPush(ports, principal, project.id, request);
    // A push that is refused by name changes nothing, and nobody need look whether it has.
    if (plan.refusals.length > 0) return plan;
    await ports.projects.beginRefsWrite(project.id);
    isWriting = true;
    return plan;
  };
  try {
    const received = await ports.repositories.receivePack(path, { ...exchange, decide }, input, output);
    pushed = received.pushed;
    logPush(ports, project, pushed, received.refusals);
  } finally {
    if (isWriting) await endWrite(ports, principal, project);
  }
  // Last: whoever carries the push on must not wait for what is told of it.
  recordPush(ports, { projectId: project.id, authorId: viewerOf(principal)?.id ?? null, moves: pushed });
}

/**
 * Even a push that broke off may have changed refs: git tells its hook, not us, in which order it died. The wish comes
 * before the end: whoever is killed between the two has written refs that the next start looks after.
 */
async function endWrite(ports: Ports, principal: Principal, project: Project): Promise<void> {
  const protecting = protectDefaultBranch(ports, project).catch((error: unknown) =>
    ports.log.error({ projectId: project.id, err: error }, "the default branch could not be protected"),
  );
  const userId = viewerOf(principal)?.id;
  const wished = notePushWishes(ports, project.id, "push", userId);
  await protecting;
  await wished.catch(() => undefined);
  await ports.projects.endRefsWrite(project.id);
  const tellQueue = await wished;
  await tellQueue();
  ports.housekeeping.noteWrite(project.id);
}

/** The rules as they are now: a session may be hours old, and what it was shown too. */
async function planPush(
  ports: Ports,
  before: Principal,
  projectId: number,
  { commands }: PushRequest,
): Promise<PushPlan> {
  const [principal, project, settings] = await Promise.all([
    refreshPrincipal(ports, before),
    ports.projects.find(projectId),
    ports.settings.read(),
  ]);
  if (!project) throw new HeliostatError("not-found", "The project was removed.");
  refusePush(principal, project);
  const path = ports.repositories.pathOf(project.id);
  const limits = incomingLimits(project.limits, settings);
  const [rules, admission] = await Promise.all([
    readRules(ports, principal, project, settings),
    admissionTo(ports, path, limits),
  ]);
  const { refusals, fastForwardOnly, mirrored } = judgePush(commands, rules);
  return {
    refusals,
    fastForwardOnly,
    notes: refusals.length > 0 ? [] : mirroredWarning(mirrored),
    admission,
    maxFileBytes: limits.fileBytes,
    maxPushBytes: limits.pushBytes,
  };
}

async function readRules(
  ports: Ports,
  principal: Principal,
  project: Project,
  settings: InstanceSettings,
): Promise<PushRules> {
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
    branches,
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

function logPush(
  { log }: Pick<Ports, "log">,
  { id: projectId }: Project,
  pushed: readonly PushedRef[],
  refusals: readonly RefRefusal[],
): void {
  if (pushed.length > 0) log.info({ projectId, refs: pushed.length }, "push received");
  if (refusals.length === 0) return;
  const reasons = [...new Set(refusals.map(({ reason }) => reason))].slice(0, 5);
  log.info({ projectId, refs: refusals.length, reasons }, "push refused");
}
