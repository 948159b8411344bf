import { randomUUID } from "node:crypto";
import type { FiredHookEvent, MirrorUpdateAction } from "@heliostat/contract";
import { deliveryEventOf, type Hook, takesBranch } from "../../domain/hook.ts";
import {
  mirrorUpdatePayload,
  type PayloadMove,
  pushPayload,
  repositoryUpdatePayload,
  tagPushPayload,
} from "../../domain/hook-payload.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import { groupMoves } from "../../domain/project-event.ts";
import { isBranch, shortName } from "../../domain/ref-name.ts";
import type { RefMove, RefResult } from "../../domain/refs.ts";
import { maskUrl } from "../../domain/remote-url.ts";
import { actingUser } from "../mirrors/acting-user.ts";
import { healthAfter } from "../notices/mirror-notice.ts";
import type { DeliveryDraft, FinishedUpdate, Ports, UpdateLease } from "../ports.ts";
import { readPayloadMoves, readPayloadProject, readPayloadUser } from "./read-payload-facts.ts";

type TellPorts = Pick<
  Ports,
  | "background"
  | "browsing"
  | "clock"
  | "deliveries"
  | "hooks"
  | "instance"
  | "log"
  | "projects"
  | "protectedBranches"
  | "protectedTags"
  | "repositories"
  | "settings"
  | "users"
>;

/** Each branch and tag that is told of costs some processes, and each event a row for each hook. */
const MOST_OF_A_KIND = 20;

/** A client's push, or the API, changed these refs: tells the project's hooks of it, in the background. */
export function tellHooksOfPush(
  ports: TellPorts,
  push: { readonly projectId: number; readonly authorId: number | null; readonly moves: readonly RefMove[] },
): void {
  tellOfMoves(ports, push.projectId, push.moves, async () => push.authorId);
}

/** The same for an update that a pull mirror has ended, which counts as one push. */
export function tellHooksOfPull(
  ports: TellPorts & Pick<Ports, "members">,
  mirror: Mirror,
  results: readonly RefResult[],
): void {
  if (mirror.direction !== "pull") return;
  const moves = results.filter(hasMoved);
  tellOfMoves(ports, mirror.projectId, moves, async () => (await actingUser(ports, mirror)).user.id);
}

/** An update of a mirror has ended: tells the project's hooks what came of it. */
export function tellHooksOfUpdate(
  ports: TellPorts & Pick<Ports, "members">,
  { mirror, updateId, trigger }: UpdateLease,
  finished: FinishedUpdate,
  startedAt: Date,
): void {
  const action = actionOf(mirror, finished);
  if (action === null) return;
  const { projectId } = mirror;
  ports.background.run("telling webhooks of an update", async () => {
    const hooks = await hooksOf(ports, projectId, ["mirror_update_events"], finished.now);
    const project = hooks.length === 0 ? null : await ports.projects.find(projectId);
    if (project === null) return;
    const userId = (await actingUser(ports, mirror)).user.id;
    const payload = mirrorUpdatePayload(
      {
        project: await readPayloadProject(ports, project),
        user: await readPayloadUser(ports, userId),
      },
      {
        action,
        mirror: {
          id: mirror.id,
          direction: mirror.direction,
          enabled: mirror.enabled,
          url: shownUrl(mirror),
        },
        update: {
          ...{ id: updateId, trigger, startedAt, finishedAt: finished.now, status: finished.status },
          ...{ willRetry: finished.willRetry, nextUpdateAt: finished.nextCheckAt },
          ...{ error: finished.error, errorCode: finished.errorCode, results: finished.results },
          ...{ upToDate: finished.upToDate.length, skipped: finished.skipped.length },
          ...{ bytesReceived: finished.bytesReceived, bytesSent: finished.bytesSent },
        },
      },
    );
    await putAll(ports, projectId, [{ event: "mirror_update_events", hooks, payload }]);
  });
}

/** Null: it was stopped, by somebody or by us, and says nothing of the mirror. */
function actionOf(mirror: Mirror, finished: FinishedUpdate): MirrorUpdateAction | null {
  if (finished.status === "cancelled") return null;
  if (finished.status === "finished") return mirror.lastError === null ? "finished" : "recovered";
  return healthAfter(mirror, finished) === "paused" ? "paused" : "failed";
}

function shownUrl(mirror: Mirror): string {
  return maskUrl(mirror.url, {
    hadUserinfo: mirror.urlHadUserinfo,
    username: mirror.username,
    hasPassword: mirror.hasPassword,
  });
}

function hasMoved({ outcome }: RefResult): boolean {
  return outcome === "created" || outcome === "fast-forward" || outcome === "forced" || outcome === "deleted";
}

const MOVE_EVENTS: readonly FiredHookEvent[] = ["push_events", "tag_push_events", "repository_update_events"];

/** Returns at once. What was told when the server dies is in the database; what was about to be read is lost. */
function tellOfMoves(
  ports: TellPorts,
  projectId: number,
  moves: readonly RefMove[],
  findAuthor: () => Promise<number | null>,
): void {
  const groups = groupMoves(moves);
  if (groups.length === 0) return;
  const at = ports.clock.now();
  ports.background.run("telling webhooks of a push", async (signal) => {
    const hooks = await hooksOf(ports, projectId, MOVE_EVENTS, at);
    const project = hooks.length === 0 ? null : await ports.projects.find(projectId);
    if (project === null) return;
    const limit = Math.min((await ports.settings.read()).pushEventHooksLimit, MOST_OF_A_KIND);
    const few = groups.flatMap((group) => (group.moves.length <= limit ? group.moves : []));
    const source = {
      project: await readPayloadProject(ports, project),
      user: await readPayloadUser(ports, await findAuthor()),
    };
    const told = await readPayloadMoves(ports, project, few.filter(isToldTo(hooks)), signal);
    await putAll(ports, projectId, [
      ...told.map((move) => eventOf(hooks, source, move)),
      {
        event: "repository_update_events" as const,
        hooks: hooks.filter(isOn("repository_update_events")),
        payload: repositoryUpdatePayload(
          source,
          groups.flatMap((group) => group.moves),
        ),
      },
    ]);
  });
}

/** Those that were there when it happened. */
async function hooksOf(
  { hooks }: TellPorts,
  projectId: number,
  events: readonly FiredHookEvent[],
  at: Date,
): Promise<readonly Hook[]> {
  return (await hooks.listTold(projectId, events)).filter(({ createdAt }) => createdAt <= at);
}

/** What is told to which hooks. */
export interface ToldEvent {
  readonly event: FiredHookEvent;
  readonly hooks: readonly Hook[];
  readonly payload: object;
}

function eventOf(
  hooks: readonly Hook[],
  source: Parameters<typeof pushPayload>[0],
  move: PayloadMove,
): ToldEvent {
  return isBranch(move.ref)
    ? { event: "push_events", hooks: hooks.filter(takes(move)), payload: pushPayload(source, move) }
    : { event: "tag_push_events", hooks: hooks.filter(takes(move)), payload: tagPushPayload(source, move) };
}

function isOn(event: FiredHookEvent): (hook: Hook) => boolean {
  return ({ events }) => events.includes(event);
}

function takes({ ref }: RefMove): (hook: Hook) => boolean {
  if (!isBranch(ref)) return isOn("tag_push_events");
  return (hook) => isOn("push_events")(hook) && takesBranch(hook, shortName(ref));
}

/** Nothing is read of what no hook is told. */
function isToldTo(hooks: readonly Hook[]): (move: RefMove) => boolean {
  return (move) => hooks.some(takes(move));
}

async function putAll(
  ports: TellPorts,
  projectId: Project["id"],
  events: readonly ToldEvent[],
): Promise<void> {
  const drafts = events.flatMap((event) => draftsOf(projectId, event));
  if (drafts.length > 0) await ports.deliveries.put(drafts, ports.clock.now());
}

/** One delivery for each hook; they share the id of the event. */
export function draftsOf(projectId: number, { event, hooks, payload }: ToldEvent): readonly DeliveryDraft[] {
  const eventUuid = randomUUID();
  const text = JSON.stringify(payload);
  return hooks.map(({ id }) => ({
    projectId,
    target: { kind: "hook", id },
    event: deliveryEventOf(event),
    ...{ eventUuid, idempotencyKey: randomUUID(), payload: text },
  }));
}
