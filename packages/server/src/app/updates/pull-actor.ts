import type { Mirror } from "../../domain/mirror.ts";
import { ACCESS_LEVELS } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Actor } from "../../domain/protections.ts";
import { actingUser } from "../mirrors/acting-user.ts";
import type { Ports } from "../ports.ts";
import { actorOfMember } from "../protections/actor.ts";

/** In whose name a pull writes: the mirror user's or, as GitLab's bots are, a maintainer's. */
export async function pullActor(
  ports: Ports,
  mirror: Mirror,
  project: Project,
): Promise<{ readonly note: string | null; readonly actor: Actor }> {
  const { user, note } = await actingUser(ports, mirror);
  const actor = actorOfMember({ user, memberships: await ports.members.membershipsOf(user.id) }, project);
  if (user.botOfProjectId !== project.id) return { note, actor };
  return { note, actor: { ...actor, level: ACCESS_LEVELS.maintainer } };
}
