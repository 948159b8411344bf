import { fullPathOf } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { requireViewer } from "../access.ts";
import type { Page, Paged, Ports } from "../ports.ts";
import type { MirrorOfAnyProject, UseCases } from "../use-cases.ts";
import { viewMirrorsOf } from "./mirror-view.ts";

type AnyMirrorUseCases = Pick<UseCases, "listMirrorsOfAnyProject" | "listMirrorsWaiting">;

/** The mirrors of all projects in one list, and those of them that wait for somebody. */
export function anyMirrorUseCases(ports: Ports): AnyMirrorUseCases {
  async function list(
    principal: Principal,
    filter: { readonly waiting: boolean },
    page: Page,
  ): Promise<Paged<MirrorOfAnyProject>> {
    const wanted = {
      ...filter,
      visibleTo: requireViewer(principal),
      now: ports.clock.now(),
      keyIds: ports.secretKeys.ids(),
    };
    const { items, total } = await ports.attention.list(wanted, page);
    const ids = new Set(items.map(({ mirror }) => mirror.projectId));
    const projects = await ports.projects.findAll([...ids]);
    const paths = new Map(projects.map((project) => [project.id, fullPathOf(project)]));
    const views = await viewMirrorsOf(
      ports,
      projects,
      items.map(({ mirror }) => mirror),
    );
    return {
      items: items.flatMap(({ mirror, reasons }) => {
        const [view, projectPath] = [views.get(mirror.id), paths.get(mirror.projectId)];
        // Its project was removed meanwhile.
        return view === undefined || projectPath === undefined ? [] : [{ view, projectPath, reasons }];
      }),
      total,
    };
  }

  return {
    listMirrorsOfAnyProject: (principal, page) => list(principal, { waiting: false }, page),
    listMirrorsWaiting: (principal, page) => list(principal, { waiting: true }, page),
  };
}
