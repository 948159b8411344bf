import type { Mirror } from "../../domain/mirror.ts";
import { isEffectivelyEnabled, type MirroringSwitches } from "../../domain/mirroring-switches.ts";
import type { Project } from "../../domain/project.ts";
import type { Ports } from "../ports.ts";

/**
 * A project's mirrors as they are shown: `enabled` is false too while a switch of the instance stops them, and for push
 * mirrors while there is no repository.
 */
export async function asSeen(
  ports: Pick<Ports, "repositories"> & { readonly settings: { read(): Promise<MirroringSwitches> } },
  project: Project,
  mirrors: readonly Mirror[],
): Promise<readonly Mirror[]> {
  if (mirrors.length === 0) return mirrors;
  const switches = await ports.settings.read();
  const seen = mirrors.map((mirror) => ({
    ...mirror,
    enabled: isEffectivelyEnabled(mirror, project, switches),
  }));
  // The file system is asked only where its answer counts.
  if (!seen.some(({ enabled, direction }) => enabled && direction === "push")) return seen;
  if (await ports.repositories.exists(ports.repositories.pathOf(project.id))) return seen;
  return seen.map((mirror) => ({ ...mirror, enabled: mirror.enabled && mirror.direction === "pull" }));
}

/** As `asSeen`, for one mirror; its project is looked up anew, because saving a mirror may change an override. */
export async function asSeenNow(
  ports: Pick<Ports, "settings" | "repositories" | "projects">,
  mirror: Mirror,
): Promise<Mirror> {
  const project = await ports.projects.find(mirror.projectId);
  const [seen] = project ? await asSeen(ports, project, [mirror]) : [];
  return seen ?? { ...mirror, enabled: false };
}
