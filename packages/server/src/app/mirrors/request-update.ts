import type { UpdateTrigger } from "@heliostat/contract";
import type { Mirror } from "../../domain/mirror.ts";
import type { Ports } from "../ports.ts";

type RequestPorts = Pick<Ports, "clock" | "mirrors" | "queue">;

/** When an update is wanted (at once unless told), and by whom (nobody). */
interface Wish {
  readonly notBefore?: Date | undefined;
  readonly userId?: number | null | undefined;
  /** Its failures count from the beginning: it was paused for them. */
  readonly resumes?: boolean;
}

/** Tells the queue of wishes that are in the database. */
type TellQueue = () => Promise<void>;

/**
 * Asks for an update of this mirror, now or not before `notBefore`. The wish is in the database when this resolves;
 * one that is there already absorbs it.
 */
export async function requestUpdate(
  ports: RequestPorts,
  mirror: Pick<Mirror, "id">,
  trigger: UpdateTrigger,
  wish: Wish = {},
): Promise<void> {
  const tellQueue = await noteWish(ports, mirror, trigger, wish);
  await tellQueue();
}

async function noteWish(
  ports: RequestPorts,
  mirror: Pick<Mirror, "id">,
  trigger: UpdateTrigger,
  { notBefore, userId = null, resumes = false }: Wish,
): Promise<TellQueue> {
  const now = ports.clock.now();
  const at = notBefore && notBefore > now ? notBefore : now;
  if (resumes) await ports.mirrors.resume([mirror.id], { trigger, at, userId });
  else await ports.mirrors.requestUpdate(mirror.id, trigger, at, userId);
  return async () => {
    if (at <= now) await ports.queue.send(mirror.id);
    else ports.queue.wakeAt(at);
  };
}

/**
 * The project's refs changed: asks its push mirrors to carry that on. What a pull has brought goes at once, and so does
 * the first push of a client; further ones within `push_mirror_min_interval_seconds` become one update. What may not
 * run now, such as in Silent Mode, waits for the day on which it may.
 */
export async function requestPushMirrors(
  ports: RequestPorts & Pick<Ports, "settings">,
  projectId: number,
  trigger: UpdateTrigger,
  userId?: number,
): Promise<void> {
  const tellQueue = await notePushWishes(ports, projectId, trigger, userId);
  await tellQueue();
}

/** `requestPushMirrors` in two steps: the wishes are in the database when this resolves, and nobody is told of them yet. */
export async function notePushWishes(
  ports: RequestPorts & Pick<Ports, "settings">,
  projectId: number,
  trigger: UpdateTrigger,
  userId?: number,
): Promise<TellQueue> {
  const pushMirrors = (await ports.mirrors.listOf(projectId, "push")).filter((mirror) => mirror.enabled);
  const tells: TellQueue[] = [];
  if (pushMirrors.length > 0) {
    const { pushMirrorMinIntervalSeconds } = await ports.settings.read();
    for (const mirror of pushMirrors) {
      const notBefore = trigger === "pull" ? undefined : earliestPush(mirror, pushMirrorMinIntervalSeconds);
      tells.push(await noteWish(ports, mirror, trigger, { notBefore, userId }));
    }
  }
  return async () => {
    for (const tellQueue of tells) await tellQueue();
  };
}

function earliestPush(mirror: Mirror, minIntervalSeconds: number): Date | undefined {
  const last = mirror.lastUpdateStartedAt;
  return last ? new Date(last.getTime() + minIntervalSeconds * 1000) : undefined;
}
