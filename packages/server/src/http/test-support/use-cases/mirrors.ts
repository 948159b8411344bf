import type { UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { findNothing, type Memory, paged, requireAdmin, viewOf } from "./memory.ts";
import { EPOCH } from "./people.ts";

/** Mirrors that are kept and never run; they are for admins. */
export function mirrorsInMemory({
  mirrors,
  addMirror,
  configurePull,
  findMirror,
  findView,
  replace,
}: Memory) {
  return {
    listPushMirrors: async (principal, which) => {
      requireAdmin(principal);
      const { project } = findView(which);
      return mirrors.filter((mirror) => mirror.projectId === project.id && mirror.direction === "push");
    },
    findPushMirror: async (principal, which, id) => findMirror(principal, which, id),
    createPushMirror: async (principal, which, { url, enabled, authMethod, ...options }) => {
      requireAdmin(principal);
      const mirror = addMirror(findView(which).project.id, "push", url, {
        enabled: enabled ?? false,
        ...(authMethod === undefined ? {} : { authMethod }),
      });
      return replace({ ...mirror, options: { ...mirror.options, ...options } });
    },
    updatePushMirror: async (principal, which, id, { enabled, authMethod: _ignored, ...options }) => {
      const mirror = findMirror(principal, which, id);
      return replace({
        ...mirror,
        enabled: enabled ?? mirror.enabled,
        options: { ...mirror.options, ...options },
      });
    },
    removePushMirror: async (principal, which, id) => {
      const mirror = findMirror(principal, which, id);
      mirrors.splice(mirrors.indexOf(mirror), 1);
    },
    syncPushMirror: async (principal, which, id) => {
      if (findMirror(principal, which, id).enabled) return;
      throw new HeliostatError(
        "model-invalid",
        "Cannot proceed with the push mirroring. Please verify your mirror configuration.",
      );
    },
    findPullMirror: async (_principal, which) => {
      const { pullMirror } = findView(which);
      return pullMirror?.enabled === true ? pullMirror : null;
    },
    configurePullMirror: async (_principal, which, settings) =>
      configurePull(findView(which).project.id, settings),
    startPullMirror: async (_principal, which) =>
      findView(which).pullMirror?.enabled === true
        ? { kind: "started", start: { status: "queued", nextUpdateAt: EPOCH } }
        : null,
    listMirrors: async (_principal, which) => {
      const { project } = findView(which);
      return mirrors.filter((mirror) => mirror.projectId === project.id).map(viewOf);
    },
    findMirror: async (principal, which, id) => viewOf(findMirror(principal, which, id)),
    createMirror: async (_principal, which, { direction, url, enabled }) =>
      viewOf(addMirror(findView(which).project.id, direction, url, { enabled: enabled ?? false })),
    updateMirror: async (principal, which, id, { enabled }) => {
      const mirror = findMirror(principal, which, id);
      return viewOf(replace({ ...mirror, enabled: enabled ?? mirror.enabled }));
    },
    removeMirror: async (principal, which, id) => {
      mirrors.splice(mirrors.indexOf(findMirror(principal, which, id)), 1);
    },
    syncMirror: async (principal, which, id) => {
      findMirror(principal, which, id);
      return { status: "queued", nextUpdateAt: EPOCH };
    },
    detectHostKeys: async () => ({ kind: "scanning" }),
    reviewHostKeys: async (principal, which, id) => {
      const mirror = findMirror(principal, which, id);
      return { mirror, knownHosts: "", added: [], removed: [], kept: [], revoked: [] };
    },
    acceptHostKeys: async (principal, which, id) => viewOf(findMirror(principal, which, id)),
    listMirrorsOfAnyProject: async (_principal, page) =>
      paged(
        mirrors.map((mirror) => ({ view: viewOf(mirror), projectPath: "root/p", reasons: [] })),
        page,
      ),
    listMirrorsWaiting: async () => ({ items: [], total: 0 }),
    listFailingHosts: async (principal) => {
      requireAdmin(principal);
      return [
        { host: "example.org:443", failures: 3, lastError: "no", failingSince: EPOCH, pausedUntil: EPOCH },
      ];
    },
    resumeMirrors: async (_principal, { host }) => (host === null ? 2 : 1),
    testNewMirror: findNothing,
    testMirror: findNothing,
    testCredential: findNothing,
  } satisfies Partial<UseCases>;
}
