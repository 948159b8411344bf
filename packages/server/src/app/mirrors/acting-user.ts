import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { ACCESS_LEVELS, levelOfUser } from "../../domain/policy.ts";
import type { User } from "../../domain/user.ts";
import { asMember } from "../accounts/authenticate.ts";
import type { Ports } from "../ports.ts";

/** In whose name a mirror acts. */
export interface ActingUser {
  readonly user: User;
  /** Why it is the project's own identity, in a sentence for the update's notes; null: it is the mirror user. */
  readonly note: string | null;
}

/**
 * The author of what a mirror does: its mirror user or, when that one is blocked or gone or no maintainer of the project
 * any more, the project's own identity, which is made when it is first needed. Someone who is unblocked, or a maintainer
 * again, is the author again. In GitLab the mirror stops there.
 */
export async function actingUser(
  ports: Pick<Ports, "members" | "users" | "projects">,
  mirror: Pick<Mirror, "userId" | "projectId">,
): Promise<ActingUser> {
  const project = await ports.projects.find(mirror.projectId);
  if (!project) throw new HeliostatError("cancelled", "The project was removed.");
  const user = mirror.userId === null ? null : await ports.users.find(mirror.userId);
  if (user !== null) {
    const level = levelOfUser(await asMember(ports, user), project);
    if (level >= ACCESS_LEVELS.maintainer) return { user, note: null };
  }
  const bot = await ports.users.findOrCreateBot(project);
  return { user: bot, note: `The mirror user${whyNot(user)}: the update ran as @${bot.username}.` };
}

function whyNot(user: User | null): string {
  if (user === null) return " has been removed";
  const why = user.state === "blocked" ? "is blocked" : "is no maintainer of the project any more";
  return `, @${user.username}, ${why}`;
}
