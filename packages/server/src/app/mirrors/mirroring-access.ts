import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { mayMirror, type ProjectAction } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { PathOrId } from "../use-cases.ts";

/**
 * As `findProjectFor`, for its mirrors: `forbidden`, with the reason, for all but admins while mirroring is switched
 * off for the instance, whatever the project's override says.
 */
export async function findMirroredProject(
  ports: Pick<Ports, "projects" | "settings">,
  principal: Principal,
  which: PathOrId,
  action: ProjectAction,
): Promise<Project> {
  const project = await findProjectFor(ports, principal, which, action);
  if (!mayMirror(principal, await ports.settings.read())) {
    throw new HeliostatError("forbidden", "Mirror settings are only available to administrators.");
  }
  return project;
}

/** A mirror of that project, for those who may administer it; `not-found` for one of another project too. */
export async function findMirrorToChange(
  ports: Pick<Ports, "projects" | "settings" | "mirrors">,
  principal: Principal,
  which: PathOrId,
  mirrorId: number,
): Promise<{ readonly project: Project; readonly mirror: Mirror }> {
  const project = await findMirroredProject(ports, principal, which, "admin-mirrors");
  const mirror = await ports.mirrors.find(mirrorId);
  if (mirror?.projectId !== project.id) throw new HeliostatError("not-found", "Not found");
  return { project, mirror };
}
