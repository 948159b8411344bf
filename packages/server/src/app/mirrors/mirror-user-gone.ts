import type { User } from "../../domain/user.ts";
import { tellMirrorUserGone } from "../notices/tell-mirror-user-gone.ts";
import type { Ports } from "../ports.ts";

export type MirrorUserPorts = Pick<
  Ports,
  "clock" | "instance" | "log" | "mails" | "mirrors" | "projects" | "settings" | "users"
>;

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
  const mirrors = await ports.mirrors.listPullMirrorsOfUser(user.id);
  await takeAway();
  for (const mirror of mirrors.filter(({ enabled }) => enabled)) {
    const { id: mirrorId, projectId } = mirror;
    try {
      const project = await ports.projects.find(projectId);
      if (!project) continue;
      const bot = await ports.users.findOrCreateBot(project);
      const fields = { mirrorId, projectId, username: user.username, bot: bot.username };
      ports.log.warn(fields, "the mirror user may not act any more: the project's own identity takes over");
      await tellMirrorUserGone(ports, project, mirror);
    } catch (error) {
      // The user is gone all the same, and the mirror's next update makes the identity.
      ports.log.warn({ mirrorId, projectId, err: error }, "the loss of a mirror user could not be told");
    }
  }
}
