import { Readable } from "node:stream";
import { requireScope } from "../../app/access.ts";
import type { BrowsingUseCases } from "../../app/browsing/browsing-use-cases.ts";
import type {
  AccessEntry,
  InstanceSettings,
  MemberOfSource,
  Page,
  Paged,
  ProtectedBranch,
  ProtectedTag,
} from "../../app/ports.ts";
import type {
  MirrorSettings,
  MirrorView,
  PathOrId,
  ProjectView,
  SecretsState,
  SignedIn,
  UseCases,
} from "../../app/use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror, type MirrorUpdate } from "../../domain/mirror.ts";
import { parseOid } from "../../domain/oid.ts";
import { fullPathOf, type Namespace, type Project } from "../../domain/project.ts";
import type { ProjectEvent } from "../../domain/project-event.ts";
import type { Grantee } from "../../domain/protections.ts";
import { parseRefName } from "../../domain/ref-name.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import type { AccessToken, Principal, User } from "../../domain/user.ts";
import { NO_SESSIONS } from "./no-sessions.ts";
import { createTokensInMemory } from "./tokens-in-memory.ts";

const SECRETS_STATE: SecretsState = {
  keys: [{ id: "k1", isCurrent: true, isKnown: true, secrets: 3 }],
  mirrorsNeedingSecret: 0,
  usersWithoutSecondFactor: [],
};

const EPOCH = new Date("2026-01-02T03:04:05.678Z");

export const ROOT: User = {
  id: 1,
  username: "root",
  name: "Root",
  email: "root@example.org",
  isAdmin: true,
  state: "active",
  botOfProjectId: null,
  isTokenBot: false,
  hasSecondFactor: false,
  createdAt: EPOCH,
};

const SETTINGS: InstanceSettings = {
  allowLocalRequests: false,
  mirrorAvailable: true,
  pullMirrorIntervalSeconds: 1800,
  pullMirrorMinIntervalSeconds: 60,
  pushMirrorMinIntervalSeconds: 5,
  silentModeEnabled: false,
  mirrorMaxDelay: 300,
  mirrorMaxCapacity: 100,
  mirrorCapacityThreshold: 50,
  mirrorMaxUpdatesPerHost: 8,
  mirrorUpdateTimeoutSeconds: 10_800,
  mirrorStallTimeoutSeconds: 120,
  mirrorUpdateRetentionDays: 30,
  repositorySizeLimit: 0,
  maxRefs: 1_000_000,
  fsckSeverity: "off",
  pushEventActivitiesLimit: 3,
  pushEventHooksLimit: 3,
  gitPushPipelineLimit: 4,
  outboundAllowlist: [],
  denyAllRequestsExceptAllowed: false,
  dnsRebindingProtectionEnabled: true,
  sessionExpireDelay: 10_080,
  defaultBranchProtection: 2,
  maxFileSize: 0,
  maxPushSize: 0,
  requiresSecondFactor: false,
};

const READER: User = {
  ...ROOT,
  id: 2,
  username: "reader",
  name: "Reader",
  email: "r@example.org",
  isAdmin: false,
};

const GROUP: Namespace = {
  id: 5,
  kind: "group",
  name: "Sub X",
  path: "sub.x",
  fullPath: "grp/sub.x",
  parentId: 4,
  ownerId: null,
  traversalIds: [],
  visibility: "public",
  description: null,
};

const MEMBER: MemberOfSource = {
  user: READER,
  accessLevel: 30,
  expiresAt: "2030-01-31",
  createdAt: EPOCH,
  createdBy: ROOT,
};

function tokenOf(user: User, id: number, scopes: AccessToken["scopes"]): AccessToken {
  return {
    id,
    userId: user.id,
    name: `token ${id}`,
    scopes,
    revoked: false,
    createdAt: EPOCH,
    lastUsedAt: null,
    description: null,
    projectId: null,
    namespaceId: null,
    expiresAt: null,
  };
}

const EVENT: ProjectEvent = {
  id: 7,
  projectId: 0,
  authorId: ROOT.id,
  action: "pushed",
  refType: "branch",
  ref: "main",
  refCount: null,
  commitFrom: parseOid("a".repeat(40)),
  commitTo: parseOid("b".repeat(40)),
  commitCount: 2,
  commitTitle: "a change",
  createdAt: EPOCH,
};

/** The secrets that the instance in memory knows. `blocked` belongs to an account that may not sign in. */
export const SECRETS = {
  api: "api-secret",
  readApi: "read-secret",
  stranger: "stranger-secret",
  blocked: "blocked",
} as const;

function viewOf(mirror: Mirror): MirrorView {
  const rest = {
    ...{ isPaused: false, hostPausedUntil: null, lostSecrets: [], credentialExpiresSoon: false },
    hostKeysVerifiedBy: null,
  };
  return { mirror, nextUpdateAt: mirror.nextCheckAt, ...rest };
}

function paged<T>(items: readonly T[], page: Page): Paged<T> {
  const start = (page.page - 1) * page.perPage;
  return { items: items.slice(start, start + page.perPage), total: items.length };
}

const MAINTAINERS: readonly Grantee[] = [{ kind: "role", level: 40 }];

/**
 * A small instance in memory, for tests of what HTTP makes of use cases: users, projects and mirrors that can be made
 * and read, no rules of their own beyond what the form of answers depends on. `overrides` replaces any of it.
 */
export function createInMemoryUseCases(overrides: Partial<UseCases> = {}): UseCases {
  const noProvider = async () => {
    throw new HeliostatError("not-found", "Not found");
  };
  const noSecondFactor = async () => {
    throw new HeliostatError("conflict", "There is no second factor.");
  };
  const noCredentials = async () => {
    throw new HeliostatError("not-found", "Not found");
  };
  const tokens = new Map<string, SignedIn>([
    [
      SECRETS.api,
      { kind: "user", user: ROOT, memberships: [], token: tokenOf(ROOT, 1, ["api", "admin_mode", "sudo"]) },
    ],
    [SECRETS.readApi, { kind: "user", user: ROOT, memberships: [], token: tokenOf(ROOT, 2, ["read_api"]) }],
    [SECRETS.stranger, { kind: "user", user: READER, memberships: [], token: tokenOf(READER, 3, ["api"]) }],
  ]);
  const users: User[] = [ROOT, READER];
  const projects: ProjectView[] = [];
  const mirrors: Mirror[] = [];
  const branches: ProtectedBranch[] = [];
  const tags: ProtectedTag[] = [];
  let lastId = 100;

  function nextId(): number {
    lastId += 1;
    return lastId;
  }

  function entriesOf(grantees: readonly Grantee[]): readonly AccessEntry[] {
    return grantees.map((grantee) => ({
      ...{ id: nextId(), grantee, name: grantee.kind === "role" ? null : `${grantee.kind} ${grantee.id}` },
    }));
  }

  function findView(which: PathOrId): ProjectView {
    const view = projects.find(({ project }) => project.id === which || fullPathOf(project) === which);
    if (view === undefined) throw new HeliostatError("not-found", "Project Not Found");
    return {
      ...view,
      pullMirror: mirrors.find((m) => m.projectId === view.project.id && m.direction === "pull") ?? null,
    };
  }

  function requireAdmin(principal: Principal): void {
    if (principal.kind === "anonymous") throw new HeliostatError("unauthenticated", "Sign in.");
    if (principal.kind !== "user" || !principal.user.isAdmin)
      throw new HeliostatError("forbidden", "Forbidden");
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

  const updates: MirrorUpdate[] = [
    {
      id: 9,
      mirrorId: 0,
      trigger: "push",
      status: "failed",
      startedAt: EPOCH,
      finishedAt: EPOCH,
      error: "1 ref was rejected",
      results: [
        {
          ref: parseRefName("refs/heads/main"),
          outcome: "rejected",
          old: null,
          new: parseOid("a".repeat(40)),
          message: "hook declined",
        },
      ],
      notes: ["no branch matches"],
      userId: ROOT.id,
      counts: { rejected: 1 },
      upToDate: [],
      skipped: [],
      bytesReceived: 0,
      bytesSent: 10,
      log: [],
    },
  ];

  return {
    actAs: async (principal, whom) => {
      if (!principal.user.isAdmin) throw new HeliostatError("forbidden", "Must be admin to use sudo");
      requireScope(principal, ["sudo"]);
      const user = users.find(({ id, username }) => username === whom || String(id) === whom);
      if (!user) throw new HeliostatError("not-found", `User with ID or username '${whom}' Not Found`);
      return { ...principal, user };
    },
    authenticateToken: async (secret) => {
      if (secret === SECRETS.blocked)
        throw new HeliostatError("account-blocked", "Your account has been blocked.");
      return tokens.get(secret) ?? null;
    },
    authenticateGit: async ({ username, password }) => tokens.get(password) ?? tokens.get(username) ?? null,
    ...NO_SESSIONS,
    readVersion: () => ({ version: "18.5.0-ee", revision: "abc" }),
    checkReadiness: async () => ({ ok: true, checks: { database: { ok: true } } }),
    readMetrics: async () => [
      { name: "credentials_expired", help: "Those that have expired.", values: [{ value: 2 }] },
      { name: "git_clients_waiting", help: "Those in line.", values: [{ labels: { work: "refs" }, value: 1 }] },
    ],
    readSettings: async (principal) => {
      requireAdmin(principal);
      return SETTINGS;
    },
    writeSettings: async (principal, changes) => {
      requireAdmin(principal);
      return { ...SETTINGS, ...changes };
    },
    readSecretsState: async (principal) => {
      requireAdmin(principal);
      return SECRETS_STATE;
    },
    rotateSecrets: async (principal) => {
      requireAdmin(principal);
      return { key: "k2", sealed: 3, unreadable: [], removed: [], state: SECRETS_STATE };
    },
    listMirrorsNeedingSecret: async () => ({ items: [], total: 0 }),
    listAuditEvents: async () => ({ items: [], total: 0 }),
    findAuditEvent: async () => {
      throw new HeliostatError("not-found", "Not found");
    },
    exportAuditEvents: async () => Readable.from([]),
    listAuditEventsOf: async () => ({ items: [], total: 0 }),
    findAuditEventOf: async () => {
      throw new HeliostatError("not-found", "Not found");
    },
    listUsers: async (_principal, { username }, page) =>
      paged(
        users.filter((user) => username === undefined || user.username === username),
        page,
      ),
    findUser: async (_principal, id) => {
      const user = users.find((candidate) => candidate.id === id);
      if (user === undefined) throw new HeliostatError("not-found", "User Not Found");
      return user;
    },
    createUser: async (principal, { username, name, email, isAdmin }) => {
      requireAdmin(principal);
      const user: User = { ...ROOT, id: nextId(), username, name, email, isAdmin };
      users.push(user);
      return user;
    },
    updateUser: async (principal, id, changes) => {
      requireAdmin(principal);
      return { ...ROOT, id, ...changes };
    },
    blockUser: async (principal) => requireAdmin(principal),
    unblockUser: async (principal) => requireAdmin(principal),
    removeUser: async (principal) => requireAdmin(principal),
    createAccessToken: async (principal, draft) => {
      requireAdmin(principal);
      const token: AccessToken = { ...tokenOf(ROOT, nextId(), draft.scopes), ...draft };
      tokens.set(`secret-${token.id}`, { kind: "user", user: ROOT, memberships: [], token });
      return { token, secret: `secret-${token.id}` };
    },
    listAccessTokens: async (_principal, _filter, page) =>
      paged(
        [...tokens.values()].flatMap(({ token }) => token ?? []),
        page,
      ),
    findAccessToken: async (_principal, id) => {
      const owner = [...tokens.values()].find(({ token }) => token?.id === id);
      if (!owner?.token) throw new HeliostatError("not-found", "Not found");
      return owner.token;
    },
    revokeAccessToken: async (_principal, id) => {
      for (const [secret, { token }] of tokens) if (token?.id === id) tokens.delete(secret);
    },
    rotateAccessToken: async (_principal, id) => {
      const [secret, owner] = [...tokens].find(([, { token }]) => token?.id === id) ?? [];
      if (!secret || !owner?.token) throw new HeliostatError("not-found", "Not found");
      tokens.delete(secret);
      const token = { ...owner.token, id: nextId() };
      tokens.set(`secret-${token.id}`, { ...owner, token });
      return { token, secret: `secret-${token.id}` };
    },
    ...createTokensInMemory(nextId),
    listNamespaces: async (_principal, _filter, page) => paged([GROUP], page),
    findNamespace: async (_principal, which) => {
      if (which === GROUP.id || which === GROUP.fullPath) return GROUP;
      throw new HeliostatError("not-found", "Namespace Not Found");
    },
    listGroups: async (_principal, _filter, page) => paged([GROUP], page),
    findGroup: async (_principal, which) => {
      if (which === GROUP.id || which === GROUP.fullPath) return GROUP;
      throw new HeliostatError("not-found", "Group Not Found");
    },
    createGroup: async (_principal, draft) => ({ ...GROUP, ...draft, id: nextId() }),
    updateGroup: async (_principal, _which, changes) => ({ ...GROUP, ...changes }),
    removeGroup: async () => undefined,
    listMembers: async (_principal, _place, _filter, page) => paged([MEMBER], page),
    findMember: async () => MEMBER,
    addMember: async (_principal, _place, { user, accessLevel, expiresAt }) => {
      if (user === MEMBER.user.id) throw new HeliostatError("conflict", "Member already exists");
      return { ...MEMBER, accessLevel, expiresAt: expiresAt?.toISOString().slice(0, 10) ?? null };
    },
    addMembers: async (_principal, _place, drafts) =>
      Object.fromEntries(
        drafts
          .filter(({ user }) => user === MEMBER.user.id)
          .map(({ user }) => [user, "Member already exists"]),
      ),
    changeMember: async (_principal, _place, _userId, { accessLevel }) => ({ ...MEMBER, accessLevel }),
    removeMember: async () => undefined,
    listProjects: async (_principal, { search }, page) =>
      paged(
        projects.filter(({ project }) => search === undefined || project.name.includes(search)),
        page,
      ),
    findProject: async (_principal, which) => findView(which),
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
    listProtectedBranches: async () => branches,
    findProtectedBranch: async (_principal, _which, name) => {
      const branch = branches.find((candidate) => candidate.name === name);
      if (branch === undefined) throw new HeliostatError("not-found", "Not found");
      return branch;
    },
    createProtectedBranch: async (_principal, which, { name, ...draft }) => {
      if (branches.some((branch) => branch.name === name)) {
        throw new HeliostatError("conflict", `Protected branch '${name}' already exists`);
      }
      const { push = MAINTAINERS, merge = MAINTAINERS, unprotect = [], allowForcePush = false } = draft;
      const branch = {
        ...{ id: nextId(), projectId: findView(which).project.id, name, allowForcePush },
        ...{ push: entriesOf(push), merge: entriesOf(merge), unprotect: entriesOf(unprotect) },
      };
      branches.push(branch);
      return branch;
    },
    updateProtectedBranch: async (_principal, _which, name, { allowForcePush, push }) => {
      const at = branches.findIndex((branch) => branch.name === name);
      const before = branches[at];
      if (before === undefined) throw new HeliostatError("not-found", "Not found");
      const kept = before.push
        .filter(({ id }) => !push?.remove.includes(id))
        .map((entry) => ({
          ...entry,
          grantee: push?.change.find(({ id }) => id === entry.id)?.grantee ?? entry.grantee,
        }));
      const after = {
        ...before,
        push: [...kept, ...entriesOf(push?.add ?? [])],
        allowForcePush: allowForcePush ?? before.allowForcePush,
      };
      branches[at] = after;
      return after;
    },
    removeProtectedBranch: async (_principal, _which, name) => {
      branches.splice(
        branches.findIndex((branch) => branch.name === name),
        1,
      );
    },
    listProtectedTags: async () => tags,
    findProtectedTag: async (_principal, _which, name) => {
      const tag = tags.find((candidate) => candidate.name === name);
      if (tag === undefined) throw new HeliostatError("not-found", "Not found");
      return tag;
    },
    createProtectedTag: async (_principal, which, name, create = MAINTAINERS) => {
      if (tags.some((tag) => tag.name === name)) {
        throw new HeliostatError("conflict", `Protected tag '${name}' already exists`);
      }
      const tag = { id: nextId(), projectId: findView(which).project.id, name, create: entriesOf(create) };
      tags.push(tag);
      return tag;
    },
    removeProtectedTag: async (_principal, _which, name) => {
      tags.splice(
        tags.findIndex((tag) => tag.name === name),
        1,
      );
    },
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
      findView(which).pullMirror?.enabled === true ? { status: "queued", nextUpdateAt: EPOCH } : null,
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
    listCredentials: async (_principal, _filter, page) => paged([], page),
    readProviderName: () => null,
    beginProviderSignIn: noProvider,
    connectIdentity: noProvider,
    finishAtProvider: noProvider,
    listIdentities: async () => [],
    disconnectIdentity: noProvider,
    readSecondFactor: noSecondFactor,
    beginSecondFactor: noSecondFactor,
    confirmSecondFactor: noSecondFactor,
    replaceRecoveryCodes: noSecondFactor,
    removeSecondFactor: noSecondFactor,
    disableSecondFactorOf: noSecondFactor,
    findCredential: noCredentials,
    createCredential: noCredentials,
    updateCredential: noCredentials,
    removeCredential: noCredentials,
    rotateCredential: noCredentials,
    listCredentialUses: noCredentials,
    testCredential: noCredentials,
    testNewMirror: noCredentials,
    testMirror: noCredentials,
    listSshKeys: async (_principal, _user, page) => paged([], page),
    findSshKey: noCredentials,
    addSshKey: noCredentials,
    removeSshKey: noCredentials,
    findAnySshKey: noCredentials,
    listDeployKeys: async (_principal, _project, page) => paged([], page),
    findDeployKey: noCredentials,
    addDeployKey: noCredentials,
    changeDeployKey: noCredentials,
    enableDeployKey: noCredentials,
    removeDeployKey: noCredentials,
    listAllDeployKeys: async (_principal, page) => paged([], page),
    authenticateSshKey: async () => null,
    noteSshKeyUse: async () => {},
    readSshDoor: () => null,
    cancelUpdate: async (principal, which, id) => {
      findMirror(principal, which, id);
    },
    listUpdates: async (principal, which, id, page) => {
      findMirror(principal, which, id);
      return paged(
        updates.map((update) => ({ update: { ...update, mirrorId: id }, user: ROOT })),
        page,
      );
    },
    findUpdate: async (principal, which, id, updateId) => {
      findMirror(principal, which, id);
      const update = updates.find((each) => each.id === updateId);
      if (update === undefined) throw new HeliostatError("not-found", "Not found");
      return { update: { ...update, mirrorId: id }, user: ROOT };
    },
    readProgress: async (principal, which, id) => ({
      mirror: findMirror(principal, which, id),
      update: null,
    }),
    watchProgress: async (principal, which, id) => {
      const mirror = findMirror(principal, which, id);
      return (async function* () {
        yield { kind: "progress", progress: { mirror, update: null } };
        for (const update of updates)
          yield { kind: "end", update: { ...update, progress: null, isTakenUp: false } };
      })();
    },
    listEvents: async (_principal, which, { action }, page) => {
      const { project } = findView(which);
      const event = { ...EVENT, projectId: project.id };
      return paged(action === "created" ? [] : [{ event, author: ROOT }], page);
    },
    ...emptyRepositories((which) => findView(which).project),
    openRepository: async (principal) => {
      if (principal.kind === "anonymous") throw new HeliostatError("unauthenticated", "Sign in.");
      throw new HeliostatError("not-found", "The project you were looking for could not be found.");
    },
    ...overrides,
  };
}

/** Projects without a commit: browsing itself is tested with real repositories. */
function emptyRepositories(find: (which: PathOrId) => Project): BrowsingUseCases {
  const missing = (what: string) => async (_principal: Principal, which: PathOrId) => {
    find(which);
    throw new HeliostatError("not-found", `${what} Not Found`);
  };
  const none = { items: [], total: 0 };
  return {
    listBranches: async (_principal, which) => ({ project: find(which), found: none }),
    findBranch: missing("Branch"),
    createBranch: missing("Branch"),
    removeBranch: missing("Branch"),
    listTags: async (_principal, which) => ({ project: find(which), found: none }),
    findTag: missing("Tag"),
    createTag: missing("Tag"),
    removeTag: missing("Tag"),
    searchRefs: async () => none,
    listCommits: async (_principal, which) => ({
      project: find(which),
      found: { items: [], hasMore: false },
    }),
    findCommit: missing("Commit"),
    listCommitRefs: missing("Commit"),
    diffCommit: missing("Commit"),
    findMergeBase: missing("Merge Base"),
    compareCommits: missing("Ref"),
    listTree: missing("Tree"),
    findFile: missing("File"),
    searchFiles: missing("Tree"),
    findBlob: missing("Blob"),
    readBlob: async () => Buffer.alloc(0),
    streamBlob: async () => Buffer.alloc(0),
    prepareArchive: missing("File"),
  };
}
