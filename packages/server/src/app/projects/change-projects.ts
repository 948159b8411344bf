import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { given } from "../../domain/given.ts";
import { type ProjectLimits, refuseBadLimits } from "../../domain/incoming-limits.ts";
import {
  ACCESS_LEVELS,
  actsAsAdmin,
  levelOfUser,
  may,
  mayIn,
  mayMirror,
  namespaceLevel,
} from "../../domain/policy.ts";
import type { Namespace, Project } from "../../domain/project.ts";
import { branchRef, type RefName } from "../../domain/ref-name.ts";
import { isBot, type Member, type Principal, type User } from "../../domain/user.ts";
import { findProjectFor, requireAdmin, requireSignedIn } from "../access.ts";
import { asMember } from "../accounts/authenticate.ts";
import { auditedProject } from "../audit/entities.ts";
import { configurePullMirror, refuseBadPullMirror } from "../mirrors/configure-pull-mirror.ts";
import { endHinderedRuns } from "../mirrors/hindered-runs.ts";
import { findByPathOrId } from "../path-or-id.ts";
import { PATH_MESSAGE, PATH_PATTERN } from "../path-rules.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { MirrorSettings, ProjectDraft, ProjectView, SignedIn, UseCases } from "../use-cases.ts";
import { auditProjectChange, auditTransfer } from "./audit-project.ts";
import { changeDefaultBranch, requireBranch } from "./change-default-branch.ts";
import { commitReadme } from "./commit-readme.ts";
import { viewProject } from "./view-project.ts";

type ChangeUseCases = Pick<
  UseCases,
  "createProject" | "createProjectFor" | "updateProject" | "removeProject" | "transferProject"
>;

const FIRST_BRANCH = branchRef("main");

/** Makes, changes, moves and removes projects. What is wrong with a wish is found before anything is changed. */
export function changeProjectUseCases(ports: Ports): ChangeUseCases {
  return {
    async createProject(principal, draft) {
      const signedIn = requireSignedIn(principal);
      const namespace = await findProjectNamespace(ports, signedIn, draft.namespaceId);
      return await makeProject(ports, signedIn, draft, { namespace, creator: signedIn.user });
    },

    async createProjectFor(principal, userId, draft) {
      requireAdmin(principal);
      const creator = await ports.users.find(userId);
      const namespace = creator === null ? null : await ports.namespaces.findByFullPath(creator.username);
      if (creator === null || namespace?.ownerId !== creator.id) {
        throw new HeliostatError("not-found", "User Not Found");
      }
      return await makeProject(ports, requireSignedIn(principal), draft, { namespace, creator });
    },

    async updateProject(principal, which, changes) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      const { pullMirror, defaultBranch, ...own } = changes;
      const isOwners =
        (own.archived !== undefined && own.archived !== project.archived) ||
        (own.visibility !== undefined && own.visibility !== project.visibility);
      if (isOwners) requireOwner(principal, project);
      checkLimits(principal, own.limits);
      if (own.path !== undefined || own.name !== undefined) {
        refuseBadNames({ name: own.name ?? project.name, path: own.path ?? project.path });
      }
      const branch = defaultBranch === undefined ? null : await requireBranch(ports, project, defaultBranch);
      const updated = Object.keys(own).length > 0 ? await ports.projects.update(project.id, own) : project;
      await auditProjectChange(ports, principal, project, updated);
      if (branch !== null) await changeDefaultBranch(ports, principal, updated, branch);
      if (own.archived !== undefined) await endHinderedRuns(ports);
      if (!pullMirror || !(await mayConfigure(principal, updated)))
        return await viewProject(ports, principal, updated);
      const signedIn = requireSignedIn(principal);
      await refuseBadMirrorUser(ports, signedIn, pullMirror, (member) => levelOfUser(member, updated));
      await configureIfAny(ports, signedIn, updated, withOneFilter(pullMirror));
      return await viewProject(ports, principal, (await ports.projects.find(updated.id)) ?? updated);
    },

    async removeProject(principal, which) {
      const project = await findProjectFor(ports, principal, which, "own-project");
      await removeProject(ports, principal, project);
    },

    async transferProject(principal, which, to) {
      const project = await findProjectFor(ports, principal, which, "own-project");
      const namespace = await findByPathOrId(ports.namespaces, to);
      if (!namespace || !mayIn(principal, "read-namespace", namespace)) {
        throw new HeliostatError("not-found", "Namespace Not Found");
      }
      if (!mayIn(principal, "transfer-projects", namespace)) {
        throw new HeliostatError(
          "forbidden",
          "You must have at least the Maintainer role in the namespace that the project is moved to.",
        );
      }
      if (namespace.id === project.namespace.id) {
        throw new HeliostatError("model-invalid", "Project is already in this namespace.");
      }
      const moved = await ports.projects.transfer(project.id, namespace.id);
      await auditTransfer(ports, principal, project, moved);
      return await viewProject(ports, principal, moved);
    },
  };

  async function mayConfigure(principal: Principal, project: Project): Promise<boolean> {
    return may(principal, "admin-mirrors", project) && mayMirror(principal, await ports.settings.read());
  }
}

/** With its repository, or not at all. */
async function makeProject(
  ports: Ports,
  principal: SignedIn,
  draft: ProjectDraft,
  { namespace, creator }: { readonly namespace: Namespace; readonly creator: User },
): Promise<ProjectView> {
  const { name, path } = namesOf(draft);
  checkLimits(principal, draft.limits);
  const head = draft.defaultBranch === undefined ? FIRST_BRANCH : readBranch(draft.defaultBranch);
  const pullMirror = mayMirror(principal, await ports.settings.read()) ? draft.pullMirror : undefined;
  // Everything that can be wrong is found before anything is made.
  if (pullMirror) {
    await refuseBadMirrorUser(ports, principal, pullMirror, (member) =>
      namespaceLevel({ kind: "user", token: null, ...member }, namespace),
    );
    await refuseBadPullMirror(ports, pullMirror, `${namespace.fullPath}/${path}`);
  }
  const project = await ports.projects.create({
    namespaceId: namespace.id,
    name,
    path,
    description: draft.description ?? null,
    visibility: draft.visibility ?? "private",
    creatorId: creator.id,
    ...given({ topics: draft.topics, keptAttributes: draft.keptAttributes }),
  });
  await recordAudit(ports, principal, {
    action: "project-created",
    entity: auditedProject(project),
    details: { visibility: project.visibility },
  });
  try {
    const repository = ports.repositories.pathOf(project.id);
    await ports.repositories.init(repository, { objectFormat: "sha1", head });
    if (draft.limits) await ports.projects.update(project.id, { limits: draft.limits });
    if (pullMirror) await configureIfAny(ports, principal, project, pullMirror);
    // What is imported has commits of its own.
    const isImport = pullMirror?.url !== undefined;
    if (draft.withReadme && !isImport) await commitReadme(ports, principal, project, head);
  } catch (error) {
    // A project without its repository would be a trap; the path is free again for the next try.
    await ports.projects.remove(project.id);
    await ports.repositories.remove(ports.repositories.pathOf(project.id));
    await recordAudit(ports, principal, {
      action: "project-removed",
      entity: auditedProject(project),
      details: { reason: "It could not be made whole." },
    });
    throw error;
  }
  ports.log.info({ projectId: project.id, username: principal.user.username }, "project created");
  return await viewProject(ports, principal, (await ports.projects.find(project.id)) ?? project);
}

/** What cannot be taken back by a maintainer: who sees it, and whether it can be written to. */
function requireOwner(principal: Principal, project: Project): void {
  if (may(principal, "own-project", project)) return;
  throw new HeliostatError("forbidden", "Only its owners may archive a project, or change who sees it.");
}

/** Whoever could set their own limits would have none. */
function checkLimits(principal: Principal, limits: Partial<ProjectLimits> | undefined): void {
  if (limits === undefined) return;
  requireAdmin(principal);
  refuseBadLimits(limits);
}

/** Attributes that switch nothing on and name no URL are no wish for a mirror where there is none. */
async function configureIfAny(
  ports: Ports,
  principal: SignedIn,
  project: Project,
  settings: MirrorSettings,
): Promise<void> {
  const isWish = settings.url !== undefined || settings.enabled === true;
  if (!isWish && (await ports.mirrors.listOf(project.id, "pull")).length === 0) return;
  await configurePullMirror(ports, principal, project, settings);
}

/** As GitLab does with attributes of a project: a regex takes the place of the protected branches, and they of it. */
function withOneFilter(settings: MirrorSettings): MirrorSettings {
  if (settings.branchRegex) return { ...settings, onlyProtectedBranches: false };
  return settings.onlyProtectedBranches ? { ...settings, branchRegex: null } : settings;
}

/** Only admins may name somebody else, and only a maintainer who can act. */
async function refuseBadMirrorUser(
  ports: Pick<Ports, "members" | "users">,
  principal: SignedIn,
  { userId }: MirrorSettings,
  levelOf: (member: Member) => number,
): Promise<void> {
  if (userId === undefined || userId === principal.user.id) return;
  const named = actsAsAdmin(principal) ? await ports.users.find(userId) : null;
  if (named !== null && !isBot(named)) {
    if (levelOf(await asMember(ports, named)) >= ACCESS_LEVELS.maintainer) return;
  }
  throw invalidField("mirror_user_id", "is invalid");
}

/** Rows first: from then on no run may start, and a run that is under way finds its lease gone. */
async function removeProject(ports: Ports, principal: Principal, project: Project): Promise<void> {
  const projectId = project.id;
  const mirrors = await ports.mirrors.listOf(projectId);
  await ports.projects.remove(projectId);
  await recordAudit(ports, principal, { action: "project-removed", entity: auditedProject(project) });
  await Promise.all(mirrors.map((mirror) => ports.queue.cancel(mirror.id)));
  await ports.repositories.remove(ports.repositories.pathOf(projectId));
  const { user } = requireSignedIn(principal);
  ports.log.info({ projectId, username: user.username }, "project removed");
}

async function findProjectNamespace(
  ports: Pick<Ports, "namespaces">,
  principal: SignedIn,
  id: number | undefined,
): Promise<Namespace> {
  const namespace =
    id === undefined
      ? await ports.namespaces.findByFullPath(principal.user.username)
      : await ports.namespaces.find(id);
  if (!namespace || !mayIn(principal, "create-project", namespace)) {
    throw new HeliostatError("model-invalid", "the namespace does not exist or is not yours", {
      fields: { namespace: ["is not valid"] },
    });
  }
  return namespace;
}

function readBranch(name: string): RefName {
  try {
    return branchRef(name);
  } catch (error) {
    if (!(error instanceof HeliostatError)) throw error;
    throw invalidField("default_branch", "is not the name of a branch");
  }
}

/** As GitLab: the name follows from the path, or the path from the name. */
function namesOf(draft: Pick<ProjectDraft, "name" | "path">): { name: string; path: string } {
  const path =
    draft.path ??
    (draft.name ?? "")
      .trim()
      .normalize("NFKD")
      .replaceAll(/[^A-Za-z0-9_.-]+/g, "-")
      .replaceAll(/^[-.]+|[-.]+$/g, "")
      .toLowerCase();
  const names = { name: draft.name ?? path, path };
  refuseBadNames(names);
  return names;
}

const LONGEST_NAME = 255;

function refuseBadNames(names: { name: string; path: string }): void {
  const fields: Record<string, string[]> = {};
  if (names.name.trim() === "") fields["name"] = ["can't be blank"];
  else if (names.name.length > LONGEST_NAME) {
    fields["name"] = [`is too long (maximum is ${LONGEST_NAME} characters)`];
  }
  if (!PATH_PATTERN.test(names.path)) fields["path"] = [PATH_MESSAGE];
  if (Object.keys(fields).length > 0) {
    throw new HeliostatError("model-invalid", "the project is not valid", { fields });
  }
}
