import { expiryNews } from "../../domain/credential.ts";
import { judgeHook } from "../../domain/hook-state.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { refusalToStart } from "../../domain/mirroring-switches.ts";
import type { Project } from "../../domain/project.ts";
import { hostAndPortOf } from "../../domain/remote-url.ts";
import { HARD_FAILURE_AFTER } from "../../domain/schedule.ts";
import { lostSecrets } from "../../domain/used-secrets.ts";
import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import type { MirrorView } from "../use-cases.ts";
import { asSeen } from "./effective-mirror.ts";

/** A project's mirrors with what answers about them show besides their rows. */
export async function viewMirrors(
  ports: Pick<Ports, "settings" | "repositories" | "hosts" | "secretKeys" | "users" | "clock">,
  project: Project,
  mirrors: readonly Mirror[],
): Promise<readonly MirrorView[]> {
  return [...(await viewMirrorsOf(ports, [project], mirrors)).values()];
}

/** As `viewMirrors`, of many projects, by the id of the mirror. What the instance knows is read once for all. */
export async function viewMirrorsOf(
  ports: Parameters<typeof viewMirrors>[0],
  projects: readonly Project[],
  mirrors: readonly Mirror[],
): Promise<ReadonlyMap<number, MirrorView>> {
  const switches = await ports.settings.read();
  const pauses = new Map((await ports.hosts.list()).map(({ host, pausedUntil }) => [host, pausedUntil]));
  const verifiers = await findUsers(ports, mirrors);
  const now = ports.clock.now();
  const known = { repositories: ports.repositories, settings: { read: async () => switches } };
  const view = (project: Project, mirror: Mirror): MirrorView => {
    const hostPausedUntil = pauses.get(hostAndPortOf(mirror.url)) ?? null;
    const mayRun = mirror.enabled && refusalToStart(mirror.direction, project, switches) === null;
    return {
      mirror,
      nextUpdateAt:
        mayRun && mirror.updateStatus !== "started" ? notBefore(nextUpdate(mirror), hostPausedUntil) : null,
      isPaused: mirror.direction === "pull" && mirror.retryCount > HARD_FAILURE_AFTER,
      hostPausedUntil,
      lostSecrets: lostSecrets(mirror, ports.secretKeys),
      hostKeysVerifiedBy: verifiers.get(mirror.hostKeysVerifiedBy ?? 0) ?? null,
      credentialExpiresSoon: expiryNews(mirror.credentialExpiresAt, now) !== null,
      hook: judgeHook(mirror.hook, now),
    };
  };
  const views = await Promise.all(
    projects.map(async (project) => {
      const own = mirrors.filter(({ projectId }) => projectId === project.id);
      return (await asSeen(known, project, own)).map((mirror) => [mirror.id, view(project, mirror)] as const);
    }),
  );
  return new Map(views.flat());
}

/** Who verified the host keys of these mirrors, by id. */
async function findUsers(
  ports: Pick<Ports, "users">,
  mirrors: readonly Mirror[],
): Promise<ReadonlyMap<number, User>> {
  const ids = new Set(mirrors.flatMap(({ hostKeysVerifiedBy }) => hostKeysVerifiedBy ?? []));
  const users = await Promise.all([...ids].map((id) => ports.users.find(id)));
  return new Map(users.flatMap((user) => (user === null ? [] : [[user.id, user]])));
}

/** The earlier of the wish for an update and the next look at the remote. */
function nextUpdate({ requestedAt, nextCheckAt }: Mirror): Date | null {
  if (requestedAt === null || nextCheckAt === null) return requestedAt ?? nextCheckAt;
  return requestedAt < nextCheckAt ? requestedAt : nextCheckAt;
}

function notBefore(time: Date | null, least: Date | null): Date | null {
  return time !== null && least !== null && time < least ? least : time;
}
