import { HeliostatError } from "../../domain/errors.ts";
import { isEffectivelyEnabled } from "../../domain/mirroring-switches.ts";
import { ACCESS_LEVELS, accessLevel, may, rolesIn } from "../../domain/policy.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import { shortName } from "../../domain/ref-name.ts";
import { sshCloneUrl } from "../../domain/ssh-clone-url.ts";
import type { Principal } from "../../domain/user.ts";
import { findGroup, findProjectFor, findVisibleProject, viewerOf } from "../access.ts";
import { findReadme } from "../browsing/find-readme.ts";
import type { Ports } from "../ports.ts";
import type { ProjectFilter, ProjectView, UseCases } from "../use-cases.ts";

type ViewUseCases = Pick<UseCases, "listProjects" | "findProject" | "readLanguages">;
type ViewPorts = Pick<Ports, "projects" | "mirrors" | "repositories" | "settings" | "instance">;
type ListPorts = ViewPorts & Pick<Ports, "namespaces" | "users" | "browsing">;

/** Projects as answers show them: only those that the principal may see, with what they may do there. */
export function projectViewUseCases(ports: ListPorts): ViewUseCases {
  return {
    async listProjects(principal, filter, window) {
      const { owned, membership, leastLevel = ACCESS_LEVELS.none, within, ...rest } = filter;
      const least = Math.max(
        leastLevel,
        membership ? ACCESS_LEVELS.guest : ACCESS_LEVELS.none,
        owned ? ACCESS_LEVELS.owner : ACCESS_LEVELS.none,
      );
      const place = within === undefined ? {} : await findPlace(ports, principal, within);
      const found = await ports.projects.list(
        {
          ...rest,
          ...place,
          visibleTo: viewerOf(principal),
          ...(least > ACCESS_LEVELS.none ? { leastLevel: least } : {}),
        },
        window,
      );
      return { ...found, items: await viewProjects(ports, principal, found.items) };
    },
    async findProject(principal, which) {
      const project = await findVisibleProject(ports, principal, which);
      const view = await viewProject(ports, principal, project);
      if (view.defaultBranch === null) return view;
      return { ...view, readme: await findReadme(ports, project) };
    },
    async readLanguages(principal, which) {
      await findProjectFor(ports, principal, which, "read-code");
      return {};
    },
  };
}

/** The namespace whose projects are wanted: a group that the principal may know of, or that of any user. */
async function findPlace(
  ports: Pick<Ports, "namespaces" | "users">,
  principal: Principal,
  within: NonNullable<ProjectFilter["within"]>,
): Promise<{ namespaceId: number; withBelow: boolean }> {
  if (within.kind === "group") {
    const { id } = await findGroup(ports, principal, within.which);
    return { namespaceId: id, withBelow: within.withSubgroups };
  }
  const { which } = within;
  const user =
    typeof which === "number" ? await ports.users.find(which) : await ports.users.findByUsername(which);
  const namespace = user === null ? null : await ports.namespaces.findByFullPath(user.username);
  if (namespace === null || namespace.ownerId !== user?.id) {
    throw new HeliostatError("not-found", "User Not Found");
  }
  return { namespaceId: namespace.id, withBelow: false };
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
      const mayKnow = may(principal, "read-code", project);
      return {
        project,
        defaultBranch: head === null || !mayKnow ? null : shortName(head),
        isEmpty: head === null,
        accessLevel: accessLevel(principal, project),
        sshUrl: sshCloneUrl(ports.instance, fullPathOf(project)),
        roles: rolesIn(principal, project),
        // A list of projects would open each repository.
        readme: null,
        pullMirror: mirror ? { ...mirror, enabled: isEffectivelyEnabled(mirror, project, switches) } : null,
      };
    }),
  );
}
