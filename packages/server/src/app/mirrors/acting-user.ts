import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";

/** In whose name a mirror acts. */
export interface ActingUser {
  readonly user: User;
  /** Why it is the project's own identity, in a sentence for the update's notes; null: it is the mirror user. */
  readonly note: string | null;
}

/**
 * The author of what a mirror does: its mirror user or, when that one is blocked or gone, the project's own identity,
 * which is made when it is first needed. Someone who is unblocked is the author again.
 */
export async function actingUser(
  ports: Pick<Ports, "users" | "projects">,
  mirror: Pick<Mirror, "userId" | "projectId">,
): Promise<ActingUser> {
  const user = mirror.userId === null ? null : await ports.users.find(mirror.userId);
  if (user?.state === "active") return { user, note: null };
  const project = await ports.projects.find(mirror.projectId);
  if (!project) throw new HeliostatError("cancelled", "The project was removed.");
  const bot = await ports.users.findOrCreateBot(project);
  const why = user ? `@${user.username}, is blocked` : "has been removed";
  return {
    user: bot,
    note: `The mirror user${user ? ", " : " "}${why}: the update ran as @${bot.username}.`,
  };
}
