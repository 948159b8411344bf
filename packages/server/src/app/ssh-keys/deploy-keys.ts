import { HeliostatError } from "../../domain/errors.ts";
import { may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { DeployKey } from "../../domain/ssh-key.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor, requireAdmin, requireSignedIn } from "../access.ts";
import { auditedProject } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { PathOrId } from "../use-cases.ts";
import { readDraft, readTitle } from "./read-draft.ts";
import type { ProjectDeployKey, SshKeyUseCases } from "./ssh-key-use-cases.ts";

type DeployKeyUseCases = Pick<
  SshKeyUseCases,
  | "listDeployKeys"
  | "findDeployKey"
  | "addDeployKey"
  | "changeDeployKey"
  | "enableDeployKey"
  | "removeDeployKey"
  | "listAllDeployKeys"
>;

/** The keys that open projects to machines. */
export function deployKeyUseCases(
  ports: Pick<Ports, "projects" | "sshKeys" | "clock" | "audit">,
): DeployKeyUseCases {
  async function findIn(
    principal: Principal,
    which: PathOrId,
    id: number,
  ): Promise<ProjectDeployKey & { readonly project: Project }> {
    const project = await findProjectFor(ports, principal, which, "admin-project");
    return { project, ...(await read(project, id)) };
  }

  async function read(project: Project, id: number): Promise<ProjectDeployKey> {
    const found = await ports.sshKeys.find(id);
    const opened = found?.kind === "deploy" ? openedBy(found.key, project) : undefined;
    if (found?.kind !== "deploy" || opened === undefined) throw noKey();
    return { key: found.key, canPush: opened.canPush };
  }

  /** Whether the principal administers one of its projects; `all`: each. */
  async function administers(
    principal: Principal,
    key: DeployKey,
    options: { readonly all: boolean },
  ): Promise<boolean> {
    const answers = await Promise.all(
      key.projects.map(async ({ projectId }) => {
        const project = await ports.projects.find(projectId);
        return project !== null && may(principal, "admin-project", project);
      }),
    );
    return options.all ? answers.every(Boolean) : answers.some(Boolean);
  }

  async function enable(
    principal: Principal,
    project: Project,
    key: DeployKey,
    canPush: boolean,
  ): Promise<ProjectDeployKey> {
    await ports.sshKeys.enable(key.id, project.id, canPush);
    await audit(principal, "deploy-key-enabled", project, key, { can_push: canPush });
    return await read(project, key.id);
  }

  async function audit(
    principal: Principal,
    action: string,
    project: Project,
    key: DeployKey,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await recordAudit(ports, principal, {
      action,
      entity: auditedProject(project),
      target: { type: "DeployKey", id: key.id, details: key.title },
      details: { fingerprint: key.fingerprintSha256, ...details },
    });
  }

  return {
    async listDeployKeys(principal, which, page) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      const { items, total } = await ports.sshKeys.listDeployKeys({ projectId: project.id }, page);
      return {
        items: items.map((key) => ({ key, canPush: openedBy(key, project)?.canPush ?? false })),
        total,
      };
    },
    async findDeployKey(principal, which, id) {
      return await findIn(principal, which, id);
    },
    async addDeployKey(principal, which, draft) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      const offered = readDraft(draft, ports.clock.now());
      const known = await ports.sshKeys.findByFingerprint(offered.fingerprintSha256);
      if (known?.kind === "deploy" && openedBy(known.key, project) === undefined) {
        if (await administers(principal, known.key, { all: false })) {
          return await enable(principal, project, known.key, draft.canPush);
        }
      }
      const { user } = requireSignedIn(principal);
      const key = await ports.sshKeys.createOfProject(
        project.id,
        { ...offered, createdBy: user.id },
        draft.canPush,
      );
      await audit(principal, "deploy-key-added", project, key, { can_push: draft.canPush });
      return { key, canPush: draft.canPush };
    },
    async changeDeployKey(principal, which, id, changes) {
      const { project, key, canPush } = await findIn(principal, which, id);
      const title = changes.title === undefined ? key.title : readTitle(changes.title);
      if (title !== key.title) {
        if (!(await administers(principal, key, { all: true }))) {
          throw new HeliostatError(
            "forbidden",
            "The key opens other projects too: only who administers them all may change its title.",
          );
        }
        await ports.sshKeys.rename(key.id, title);
      }
      const mayPush = changes.canPush ?? canPush;
      if (mayPush !== canPush) await ports.sshKeys.enable(key.id, project.id, mayPush);
      if (title !== key.title || mayPush !== canPush) {
        await audit(principal, "deploy-key-changed", project, key, {
          ...(title === key.title ? {} : { title: [key.title, title] }),
          ...(mayPush === canPush ? {} : { can_push: [canPush, mayPush] }),
        });
      }
      return await read(project, key.id);
    },
    async enableDeployKey(principal, which, id) {
      const project = await findProjectFor(ports, principal, which, "admin-project");
      const found = await ports.sshKeys.find(id);
      if (found?.kind !== "deploy" || !(await administers(principal, found.key, { all: false }))) {
        throw noKey();
      }
      const opened = openedBy(found.key, project);
      if (opened !== undefined) return { key: found.key, canPush: opened.canPush };
      return await enable(principal, project, found.key, false);
    },
    async removeDeployKey(principal, which, id) {
      const { project, key } = await findIn(principal, which, id);
      await ports.sshKeys.disable(key.id, project.id);
      await audit(principal, "deploy-key-removed", project, key);
    },
    async listAllDeployKeys(principal, page) {
      requireAdmin(principal);
      return await ports.sshKeys.listDeployKeys({}, page);
    },
  };
}

function openedBy(key: DeployKey, project: Project): DeployKey["projects"][number] | undefined {
  return key.projects.find(({ projectId }) => projectId === project.id);
}

function noKey(): HeliostatError {
  return new HeliostatError("not-found", "Deploy Key Not Found");
}
