import type { Page, Paged, Part, Window } from "../../../app/ports.ts";
import type { MirrorSettings, MirrorView, PathOrId, ProjectView } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { judgeHook } from "../../../domain/hook-state.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror } from "../../../domain/mirror.ts";
import { fullPathOf } from "../../../domain/project.ts";
import { parseRemoteUrl } from "../../../domain/remote-url.ts";
import type { Principal, User } from "../../../domain/user.ts";
import { EPOCH, listPrincipals, READER, ROOT } from "./people.ts";

/** What several areas of the instance in memory share, as they share the ports in the real one. */
export type Memory = ReturnType<typeof createMemory>;

/** Empty but for its people; ids count up from 101 over all areas. */
export function createMemory() {
  const tokens = listPrincipals();
  const users: User[] = [ROOT, READER];
  const projects: ProjectView[] = [];
  const mirrors: Mirror[] = [];
  let lastId = 100;

  function nextId(): number {
    lastId += 1;
    return lastId;
  }

  function findView(which: PathOrId): ProjectView {
    const view = projects.find(({ project }) => project.id === which || fullPathOf(project) === which);
    if (view === undefined) throw new HeliostatError("not-found", "Project Not Found");
    return {
      ...view,
      pullMirror: mirrors.find((m) => m.projectId === view.project.id && m.direction === "pull") ?? null,
    };
  }

  function addMirror(
    projectId: number,
    direction: Mirror["direction"],
    text: string,
    more: Partial<Mirror>,
  ): Mirror {
    const { url, username, password } = parseRemoteUrl(text);
    const mirror: Mirror = {
      id: nextId(),
      projectId,
      direction,
      enabled: false,
      url,
      authMethod: "password",
      username: username ?? null,
      hasPassword: (password ?? null) !== null,
      publicKey: null,
      credential: null,
      credentialExpiresAt: null,
      sealedSecrets: [],
      knownHosts: "",
      hostKeysVerifiedAt: null,
      hostKeysVerifiedBy: null,
      caCertificates: null,
      clientCertificate: null,
      urlHadUserinfo: (username ?? password ?? null) !== null,
      options: DEFAULT_MIRROR_OPTIONS,
      userId: ROOT.id,
      updateStatus: "none",
      lastError: null,
      lastErrorCode: null,
      lastUpdateAt: null,
      lastUpdateStartedAt: null,
      lastSuccessfulUpdateAt: null,
      retryCount: 0,
      nextCheckAt: null,
      requestedAt: null,
      appliedDigest: null,
      appliedGeneration: null,
      hook: { hasSecret: false, receivedAt: null, missedCount: 0, missedAt: null },
      holdsRefs: false,
      lastChangedAt: null,
      toldHealth: "good",
      createdAt: EPOCH,
      updatedAt: EPOCH,
      ...more,
    };
    mirrors.push(mirror);
    return mirror;
  }

  function findMirror(principal: Principal, which: PathOrId, id: number): Mirror {
    requireAdmin(principal);
    const { project } = findView(which);
    const mirror = mirrors.find((m) => m.id === id && m.projectId === project.id);
    if (mirror === undefined) throw new HeliostatError("not-found", "Not found");
    return mirror;
  }

  function replace(mirror: Mirror): Mirror {
    mirrors[mirrors.findIndex(({ id }) => id === mirror.id)] = mirror;
    return mirror;
  }

  function configurePull(projectId: number, settings: MirrorSettings): Mirror {
    const existing = mirrors.find((m) => m.projectId === projectId && m.direction === "pull");
    if (existing !== undefined)
      return replace({ ...existing, enabled: settings.enabled ?? existing.enabled });
    if (settings.url === undefined) {
      throw new HeliostatError("model-invalid", "url is missing", { fields: { url: ["is missing"] } });
    }
    return addMirror(projectId, "pull", settings.url, {
      enabled: settings.enabled ?? false,
      ...(settings.username ? { username: settings.username, hasPassword: true } : {}),
    });
  }

  return {
    tokens,
    users,
    projects,
    mirrors,
    nextId,
    findView,
    addMirror,
    findMirror,
    replace,
    configurePull,
  };
}

/** `unauthenticated` or `forbidden` for everybody but admins. */
export function requireAdmin(principal: Principal): void {
  if (principal.kind === "anonymous") throw new HeliostatError("unauthenticated", "Sign in.");
  if (principal.kind !== "user" || !principal.user.isAdmin)
    throw new HeliostatError("forbidden", "Forbidden");
}

/** The mirror as lists show it, with nothing wrong. */
export function viewOf(mirror: Mirror): MirrorView {
  const rest = {
    ...{ isPaused: false, hostPausedUntil: null, lostSecrets: [], credentialExpiresSoon: false },
    hook: judgeHook(mirror.hook, EPOCH),
    hostKeysVerifiedBy: null,
  };
  return { mirror, nextUpdateAt: mirror.nextCheckAt, ...rest };
}

/** One page of what is there. */
export function paged<T>(items: readonly T[], page: Page): Paged<T> {
  const start = (page.page - 1) * page.perPage;
  return { items: items.slice(start, start + page.perPage), total: items.length };
}

/** The part of a list that a page or a cursor asks for; a cursor is an index here. */
export function partOf<T>(items: readonly T[], window: Window): Part<T> {
  const start = "page" in window ? (window.page - 1) * window.perPage : Number(window.cursor ?? 0);
  const end = start + window.perPage;
  const next = end < items.length ? String(end) : null;
  return { items: items.slice(start, end), total: "page" in window ? items.length : null, next };
}

/** A use case of which there is nothing in memory. */
export async function findNothing(): Promise<never> {
  throw new HeliostatError("not-found", "Not found");
}
