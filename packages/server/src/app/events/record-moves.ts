import type { Mirror } from "../../domain/mirror.ts";
import { groupMoves, type MoveGroup, type NewProjectEvent, titleOf } from "../../domain/project-event.ts";
import { type RefName, shortName } from "../../domain/ref-name.ts";
import type { RefMove, RefResult } from "../../domain/refs.ts";
import { actingUser } from "../mirrors/acting-user.ts";
import type { MoveFacts, Ports } from "../ports.ts";

type RecordPorts = Pick<
  Ports,
  "background" | "clock" | "events" | "log" | "projects" | "repositories" | "settings"
>;

/** Whatever an admin sets: git counts the commits of each updated branch in a process of its own. */
const MOST_OF_A_KIND = 20;

/** A client's push changed these refs: notes it in the activity feed, as `record` does. */
export function recordPush(
  ports: RecordPorts,
  push: { readonly projectId: number; readonly authorId: number | null; readonly moves: readonly RefMove[] },
): void {
  record(ports, push.projectId, push.moves, async () => push.authorId);
}

/**
 * The same for an update that a pull mirror has ended. It counts as one push: GitLab makes one push of every branch,
 * hence never a bulk event, and a pull of a thousand branches would be a thousand events.
 */
export function recordPull(
  ports: RecordPorts & Pick<Ports, "members" | "users" | "projects">,
  mirror: Mirror,
  results: readonly RefResult[],
): void {
  if (mirror.direction !== "pull") return;
  record(
    ports,
    mirror.projectId,
    results.filter(hasMoved),
    async () => (await actingUser(ports, mirror)).user.id,
  );
}

/**
 * Returns at once: what the events say is read in the background, so that no push waits for it, and an event that
 * cannot be recorded is a line in the log.
 */
function record(
  ports: RecordPorts,
  projectId: number,
  moves: readonly RefMove[],
  findAuthor: () => Promise<number | null>,
): void {
  const groups = groupMoves(moves);
  if (groups.length === 0) return;
  const createdAt = ports.clock.now();
  ports.background.run("recording events", async (signal) => {
    await ports.projects.touchActivity(projectId, createdAt);
    const limit = Math.min((await ports.settings.read()).pushEventActivitiesLimit, MOST_OF_A_KIND);
    const isNamed = (group: MoveGroup): boolean => group.moves.length <= limit;
    const named = groups.filter(isNamed).flatMap((group) => group.moves);
    const facts = await describe(ports, projectId, named, signal);
    const bodies = groups.flatMap((group) => (isNamed(group) ? eventsOf(group, facts) : bulkOf(group)));
    const authorId = await findAuthor();
    await ports.events.record(bodies.map((body) => ({ projectId, authorId, createdAt, ...body })));
  });
}

function hasMoved({ outcome }: RefResult): boolean {
  return outcome === "created" || outcome === "fast-forward" || outcome === "forced" || outcome === "deleted";
}

/** What git says of the moves. The feed is better off with an event that says less than with none. */
async function describe(
  ports: RecordPorts,
  projectId: number,
  moves: readonly RefMove[],
  signal: AbortSignal,
): Promise<ReadonlyMap<RefName, MoveFacts>> {
  try {
    return await ports.repositories.describeMoves(ports.repositories.pathOf(projectId), moves, signal);
  } catch (error) {
    ports.log.warn(
      { projectId, err: error },
      "the commits of a push could not be read for the activity feed",
    );
    return new Map();
  }
}

type EventBody = Omit<NewProjectEvent, "projectId" | "authorId" | "createdAt">;

function eventsOf(
  { action, refType, moves }: MoveGroup,
  facts: ReadonlyMap<RefName, MoveFacts>,
): EventBody[] {
  return moves.map(({ ref, old, new: tip }) => {
    const { commitCount, message } = facts.get(ref) ?? { commitCount: 0, message: null };
    return {
      action,
      refType,
      ref: shortName(ref),
      refCount: null,
      commitFrom: old,
      commitTo: tip,
      commitCount,
      commitTitle: message === null ? null : titleOf(message),
    };
  });
}

function bulkOf({ action, refType, moves }: MoveGroup): EventBody {
  return {
    action,
    refType,
    ref: null,
    refCount: moves.length,
    commitFrom: null,
    commitTo: null,
    commitCount: 0,
    commitTitle: null,
  };
}
