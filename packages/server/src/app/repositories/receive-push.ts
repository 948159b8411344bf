import type { Readable, Writable } from "node:stream";
import type { Project } from "../../domain/project.ts";
import type { RefRefusal } from "../../domain/push-refusal.ts";
import { mirroredWarning } from "../../domain/push-rules.ts";
import type { Principal } from "../../domain/user.ts";
import { viewerOf } from "../access.ts";
import { refreshPrincipal } from "../accounts/refresh-principal.ts";
import { recordPush } from "../events/record-moves.ts";
import type { GitExchange } from "../git-exchange.ts";
import { tellHooksOfPush } from "../hooks/tell-hooks.ts";
import type { Ports, PushedRef, PushPlan, PushRequest } from "../ports.ts";
import { admissionTo } from "./admission.ts";
import { judgeWrite } from "./judge-write.ts";
import { beginWrite } from "./write-refs.ts";

interface Streams {
  readonly input: Readable;
  readonly output: Writable;
  readonly exchange: GitExchange;
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
  let endWrite = async (): Promise<void> => {};
  let pushed: readonly PushedRef[] = [];
  const decide = async (request: PushRequest): Promise<PushPlan> => {
    const plan = await planPush(ports, principal, project.id, request);
    // A push that is refused by name changes nothing, and nobody need look whether it has.
    if (plan.refusals.length > 0) return plan;
    endWrite = await beginWrite(ports, principal, project);
    return plan;
  };
  try {
    const received = await ports.repositories.receivePack(path, { ...exchange, decide }, input, output);
    pushed = received.pushed;
    logPush(ports, project, pushed, received.refusals);
  } finally {
    await endWrite();
  }
  // Last: whoever carries the push on must not wait for what is told of it.
  const push = { projectId: project.id, authorId: viewerOf(principal)?.id ?? null, moves: pushed };
  recordPush(ports, push);
  tellHooksOfPush(ports, push);
}

/** The rules as they are now: a session may be hours old, and what it was shown too. */
async function planPush(
  ports: Ports,
  before: Principal,
  projectId: number,
  { commands }: PushRequest,
): Promise<PushPlan> {
  const principal = await refreshPrincipal(ports, before);
  const { refusals, fastForwardOnly, mirrored, limits } = await judgeWrite(ports, principal, projectId, {
    commands,
    door: "git",
  });
  const admission = await admissionTo(ports, ports.repositories.pathOf(projectId), limits);
  return {
    refusals,
    fastForwardOnly,
    notes: refusals.length > 0 ? [] : mirroredWarning(mirrored),
    admission,
    maxFileBytes: limits.fileBytes,
    maxPushBytes: limits.pushBytes,
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
