import { HeliostatError } from "../../domain/errors.ts";
import { isEffectivelyEnabled } from "../../domain/mirroring-switches.ts";
import { accessLevel } from "../../domain/policy.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import { shortName } from "../../domain/ref-name.ts";
import { sshCloneUrl } from "../../domain/ssh-clone-url.ts";
import type { Principal } from "../../domain/user.ts";
import { findVisibleProject, viewerOf } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { ProjectView, UseCases } from "../use-cases.ts";

type ViewUseCases = Pick<UseCases, "listProjects" | "findProject">;
type ViewPorts = Pick<Ports, "projects" | "mirrors" | "repositories" | "settings" | "instance">;

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
      return { items: await viewProjects(ports, principal, found.items), total: found.total };
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
  const [view] = await viewProjects(ports, principal, [project]);
  if (!view) throw new HeliostatError("bug", "a project without a view");
  return view;
}

/** As `viewProject`; one query for the pull mirrors of all, however many. */
async function viewProjects(
  ports: ViewPorts,
  principal: Principal,
  projects: readonly Project[],
): Promise<readonly ProjectView[]> {
  const switches = await ports.settings.read();
  const pullMirrors = await ports.mirrors.listPullMirrors(projects.map(({ id }) => id));
  const mirrorOf = new Map(pullMirrors.map((mirror) => [mirror.projectId, mirror]));
  return await Promise.all(
    projects.map(async (project) => {
      const head = await ports.repositories.readDefaultBranch(ports.repositories.pathOf(project.id));
      const mirror = mirrorOf.get(project.id);
      return {
        project,
        defaultBranch: head === null ? null : shortName(head),
        accessLevel: accessLevel(principal, project),
        sshUrl: sshCloneUrl(ports.instance, fullPathOf(project)),
        pullMirror: mirror ? { ...mirror, enabled: isEffectivelyEnabled(mirror, project, switches) } : null,
      };
    }),
  );
}
