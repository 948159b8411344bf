import { accessLevel } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import { shortName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import { findVisibleProject, viewerOf } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { ProjectView, UseCases } from "../use-cases.ts";

type ViewUseCases = Pick<UseCases, "listProjects" | "findProject">;
type ViewPorts = Pick<Ports, "projects" | "mirrors" | "repositories">;

export function projectViewUseCases(ports: ViewPorts): ViewUseCases {
  return {
    async listProjects(principal, filter, page) {
      const viewer = viewerOf(principal);
      if (filter.owned && !viewer) return { items: [], total: 0 };
      const found = await ports.projects.list(
        {
          visibleTo: viewer,
          ...(filter.search === undefined ? {} : { search: filter.search }),
          ...(filter.owned && viewer ? { ownedBy: viewer.id } : {}),
        },
        page,
      );
      const items = await Promise.all(found.items.map((project) => viewProject(ports, principal, project)));
      return { items, total: found.total };
    },
    async findProject(principal, which) {
      return await viewProject(ports, principal, await findVisibleProject(ports, principal, which));
    },
  };
}

/** The project with what answers about it show besides its own row. */
export async function viewProject(
  ports: ViewPorts,
  principal: Principal,
  project: Project,
): Promise<ProjectView> {
  const [head, [pullMirror]] = await Promise.all([
    ports.repositories.readDefaultBranch(ports.repositories.pathOf(project.id)),
    ports.mirrors.listOf(project.id, "pull"),
  ]);
  return {
    project,
    defaultBranch: head === null ? null : shortName(head),
    accessLevel: accessLevel(principal, project),
    pullMirror: pullMirror ?? null,
  };
}
