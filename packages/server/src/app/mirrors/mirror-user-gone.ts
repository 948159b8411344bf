import type { Mirror } from "../../domain/mirror.ts";
import { ACCESS_LEVELS, levelOfUser } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { User } from "../../domain/user.ts";
import { asMember } from "../accounts/authenticate.ts";
import { tellMirrorUserGone } from "../notices/tell-mirror-user-gone.ts";
import type { Ports } from "../ports.ts";

export type MirrorUserPorts = Pick<
  Ports,
  "clock" | "instance" | "log" | "mails" | "members" | "mirrors" | "projects" | "settings" | "users"
>;

/** A pull mirror that ran in somebody's name. */
interface Held {
  readonly mirror: Mirror;
  readonly project: Project;
}

/**
 * Takes away that this user may act. Their pull mirrors go on in the name of their projects' own identities
 * (`acting-user.ts`), which are made now, so that they are there to be seen; those who look after the projects are told.
 */
export async function replaceMirrorUser(
  ports: MirrorUserPorts,
  user: User,
  takeAway: () => Promise<void>,
): Promise<void> {
  // Before they are gone: afterwards nobody knows which mirrors were theirs.
  const held = await listHeld(ports, user);
  await takeAway();
  for (const each of held) await handOver(ports, user, each);
}

/** The same around a change of what this user is, or is a member of, for the mirrors that they lose by it. */
export async function watchMirrorsOf(
  ports: MirrorUserPorts,
  user: User,
  change: () => Promise<void>,
): Promise<void> {
  const held = await listHeld(ports, user);
  await change();
  if (held.length === 0) return;
  const member = await asMember(ports, (await ports.users.find(user.id)) ?? user);
  for (const each of held) {
    if (levelOfUser(member, each.project) < ACCESS_LEVELS.maintainer) await handOver(ports, user, each);
  }
}

/** Those that are on and that they may still act for. */
async function listHeld(ports: MirrorUserPorts, user: User): Promise<readonly Held[]> {
  const mirrors = (await ports.mirrors.listPullMirrorsOfUser(user.id)).filter(({ enabled }) => enabled);
  if (mirrors.length === 0) return [];
  const member = await asMember(ports, user);
  const projects = await ports.projects.findAll(mirrors.map(({ projectId }) => projectId));
  const byId = new Map(projects.map((project) => [project.id, project]));
  return mirrors.flatMap((mirror) => {
    const project = byId.get(mirror.projectId);
    const isTheirs = project && levelOfUser(member, project) >= ACCESS_LEVELS.maintainer;
    return isTheirs ? [{ mirror, project }] : [];
  });
}

async function handOver(ports: MirrorUserPorts, user: User, { mirror, project }: Held): Promise<void> {
  const { id: mirrorId, projectId } = mirror;
  try {
    const bot = await ports.users.findOrCreateBot(project);
    const fields = { mirrorId, projectId, username: user.username, bot: bot.username };
    ports.log.warn(fields, "the mirror user may not act any more: the project's own identity takes over");
    await tellMirrorUserGone(ports, project, mirror);
  } catch (error) {
    // The user is gone all the same, and the mirror's next update makes the identity.
    ports.log.warn({ mirrorId, projectId, err: error }, "the loss of a mirror user could not be told");
  }
}
