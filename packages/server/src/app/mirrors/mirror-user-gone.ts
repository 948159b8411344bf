import type { User } from "../../domain/user.ts";
import { tellMirrorUserGone } from "../notices/tell-mirror-user-gone.ts";
import type { Ports } from "../ports.ts";

/**
 * A user may not act any more. Their pull mirrors go on in the name of their projects' own identities
 * (`acting-user.ts`), which are made now, so that they are there to be seen; those who look after the projects are told.
 */
export async function replaceMirrorUser(
  ports: Pick<Ports, "clock" | "instance" | "log" | "mails" | "mirrors" | "projects" | "settings" | "users">,
  user: User,
  takeAway: () => Promise<void>,
): Promise<void> {
  // Before they are gone: afterwards nobody knows which mirrors were theirs.
  const mirrors = await ports.mirrors.listPullMirrorsOfUser(user.id);
  await takeAway();
  for (const mirror of mirrors.filter(({ enabled }) => enabled)) {
    const project = await ports.projects.find(mirror.projectId);
    if (!project) continue;
    const bot = await ports.users.findOrCreateBot(project);
    ports.log.warn(
      { mirrorId: mirror.id, projectId: project.id, username: user.username, bot: bot.username },
      "the mirror user may not act any more: the mirror goes on as the project's own identity",
    );
    await tellMirrorUserGone(ports, project, mirror);
  }
}
