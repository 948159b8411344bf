import type { ProjectView, UseCases } from "../../../app/use-cases.ts";
import { findNothing, type Memory, partOf } from "./memory.ts";
import { GROUP } from "./namespaces.ts";
import { EPOCH, ROOT } from "./people.ts";

/** Projects without rules: everybody may do everything. */
export function projectsInMemory({ projects, nextId, findView, configurePull }: Memory) {
  return {
    listProjects: async (_principal, { search }, page) =>
      partOf(
        projects.filter(({ project }) => search === undefined || project.name.includes(search)),
        page,
      ),
    findProject: async (_principal, which) => findView(which),
    readLanguages: async () => ({}),
    createProjectFor: findNothing,
    createProject: async (_principal, draft) => {
      const view: ProjectView = {
        project: {
          id: nextId(),
          namespace: GROUP,
          name: draft.name ?? draft.path ?? "",
          path: draft.path ?? draft.name ?? "",
          description: draft.description ?? null,
          visibility: draft.visibility ?? "private",
          archived: false,
          creatorId: ROOT.id,
          pullMirrorAvailable: null,
          pushMirrorsAvailable: null,
          limits: {
            repositorySizeLimit: null,
            maxRefs: null,
            fsckSeverity: null,
            maxFileSize: null,
            maxPushSize: null,
          },
          pushesToMirroredBranches: "warn",
          defaultBranchWasProtected: false,
          topics: draft.topics ?? [],
          keptAttributes: draft.keptAttributes ?? {},
          refsGeneration: 0,
          createdAt: EPOCH,
          updatedAt: EPOCH,
          lastActivityAt: EPOCH,
        },
        defaultBranch: null,
        isEmpty: true,
        accessLevel: 50,
        sshUrl: null,
        roles: { project: null, group: 50 },
        pullMirror: null,
        readme: null,
      };
      projects.push(view);
      if (draft.pullMirror !== undefined) configurePull(view.project.id, draft.pullMirror);
      return findView(view.project.id);
    },
    updateProject: async (_principal, which, { pullMirror, limits, ...changes }) => {
      const view = findView(which);
      const index = projects.findIndex(({ project }) => project.id === view.project.id);
      projects[index] = {
        ...view,
        project: { ...view.project, ...changes, limits: { ...view.project.limits, ...limits } },
      };
      if (pullMirror !== undefined) configurePull(view.project.id, pullMirror);
      return findView(view.project.id);
    },
    transferProject: async (_principal, which) => findView(which),
    removeProject: async (_principal, which) => {
      const view = findView(which);
      projects.splice(
        projects.findIndex(({ project }) => project.id === view.project.id),
        1,
      );
    },
  } satisfies Partial<UseCases>;
}
