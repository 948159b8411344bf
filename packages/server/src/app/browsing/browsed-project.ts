import { HeliostatError } from "../../domain/errors.ts";
import type { Oid } from "../../domain/oid.ts";
import { may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { findByPathOrId, type PathOrId } from "../path-or-id.ts";
import type { Asker, Ports } from "../ports.ts";
import { clientOf } from "../repositories/client-queue.ts";

/** A project whose code somebody may read, and where its repository is. */
export interface Browsed {
  readonly project: Project;
  readonly path: string;
}

export type BrowsingPorts = Pick<Ports, "projects" | "repositories" | "browsing">;

/** The project, if its code may be read; `forbidden` for who sees the project alone, else `not-found`. */
export async function browse(
  { projects, repositories }: BrowsingPorts,
  principal: Principal,
  which: PathOrId,
): Promise<Browsed> {
  const project = await findByPathOrId(projects, which);
  if (project !== null && may(principal, "read-code", project)) {
    return { project, path: repositories.pathOf(project.id) };
  }
  if (project !== null && may(principal, "read-project", project)) {
    throw new HeliostatError("forbidden", "Forbidden");
  }
  throw new HeliostatError("not-found", "Project Not Found");
}

/** Who waits for what is read, until the signal fires. */
export function askerOf(principal: Principal, signal: AbortSignal): Asker {
  return { client: clientOf(principal), signal };
}

/** The commit of this name, or of HEAD; `not-found` in these words. */
export async function commitNamed(
  { browsing }: BrowsingPorts,
  { path }: Browsed,
  name: string | null,
  missing: string,
): Promise<Oid> {
  const oid = await browsing.resolveCommit(path, name ?? "HEAD");
  if (oid === null) throw new HeliostatError("not-found", `${missing} Not Found`);
  return oid;
}

/** A path below the root as people write it, without slashes around it; null: nothing can be there. */
export function cleanPath(path: string): string | null {
  const clean = path.replaceAll(/^\/+|\/+$/g, "");
  if (clean === "" || clean === ".") return "";
  const isBad = clean.split("/").some((part) => part === "" || part === "." || part === "..");
  return isBad ? null : clean;
}
