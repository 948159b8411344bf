import { HeliostatError } from "../../domain/errors.ts";
import {
  areSameOptions,
  DEFAULT_MIRROR_OPTIONS,
  type Mirror,
  type MirrorOptions,
} from "../../domain/mirror.ts";
import type { ProjectAction } from "../../domain/policy.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import { sameRemote } from "../../domain/remote-url.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { PathOrId, PushMirrorChanges, UseCases } from "../use-cases.ts";
import { refuseBadFilters, regexOrNull } from "./check-options.ts";
import { checkRemoteUrl } from "./check-remote-url.ts";
import { asSeen } from "./effective-mirror.ts";
import { requestUpdate } from "./request-update.ts";

type PushMirrorUseCases = Pick<
  UseCases,
  | "listPushMirrors"
  | "findPushMirror"
  | "createPushMirror"
  | "updatePushMirror"
  | "removePushMirror"
  | "syncPushMirror"
>;

/** GitLab 18.9's limit; disabled mirrors do not count. */
const MAX_ENABLED = 10;

const NOT_READY = "Cannot proceed with the push mirroring. Please verify your mirror configuration.";

export function pushMirrorUseCases(ports: Ports): PushMirrorUseCases {
  async function find(
    principal: Principal,
    which: PathOrId,
    mirrorId: number,
    action: ProjectAction = "admin-mirrors",
  ): Promise<{ project: Project; mirror: Mirror }> {
    const project = await findProjectFor(ports, principal, which, action);
    const mirror = await ports.mirrors.find(mirrorId);
    if (mirror?.projectId !== project.id || mirror.direction !== "push") {
      throw new HeliostatError("not-found", "Not found");
    }
    return { project, mirror };
  }

  return {
    async listPushMirrors(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-mirrors");
      const mirrors = await ports.mirrors.listOf(project.id, "push");
      return await asSeen(ports, mirrors);
    },
    async findPushMirror(principal, which, mirrorId) {
      const { mirror } = await find(principal, which, mirrorId, "read-mirrors");
      return await seen(mirror);
    },
    async createPushMirror(principal, which, draft) {
      const project = await findProjectFor(ports, principal, which, "admin-mirrors");
      const { user } = requireSignedIn(principal);
      const options = optionsOf(draft, DEFAULT_MIRROR_OPTIONS);
      refuseBadFilters(options);
      const remote = await checkRemoteUrl(ports, draft.url, fullPathOf(project));
      const others = await ports.mirrors.listOf(project.id, "push");
      if (others.some((other) => sameRemote(other.url, remote.url))) {
        throw new HeliostatError("model-invalid", "url has already been taken", {
          fields: { url: ["has already been taken"] },
        });
      }
      const enabled = draft.enabled ?? false;
      if (enabled) refuseTooMany(others);
      const mirror = await ports.mirrors.create({
        projectId: project.id,
        direction: "push",
        enabled,
        ...remote,
        authMethod: draft.authMethod ?? "password",
        options,
        userId: user.id,
      });
      if (enabled) await requestUpdate(ports, mirror, "configured");
      return await seen(mirror);
    },
    async updatePushMirror(principal, which, mirrorId, changes) {
      const { project, mirror } = await find(principal, which, mirrorId);
      const options = optionsOf(changes, mirror.options);
      refuseBadFilters(options);
      const turnsOn = changes.enabled === true && !mirror.enabled;
      if (turnsOn) refuseTooMany(await ports.mirrors.listOf(project.id, "push"));
      const updated = await ports.mirrors.update(mirror.id, {
        options,
        ...(changes.enabled === undefined ? {} : { enabled: changes.enabled }),
        ...(changes.authMethod === undefined ? {} : { authMethod: changes.authMethod }),
      });
      if (!updated.enabled) await ports.queue.cancel(mirror.id);
      // Other options want other refs. A wish, because a run that is under way would end with the digest of the old
      // ones, which the next check may find again where the new ones only add to them.
      const wantsOther = updated.enabled && !areSameOptions(options, mirror.options);
      if (turnsOn || wantsOther) await requestUpdate(ports, updated, "configured");
      return await seen(updated);
    },
    async removePushMirror(principal, which, mirrorId, unmodifiedSince) {
      const { mirror } = await find(principal, which, mirrorId);
      if (unmodifiedSince !== null && secondOf(mirror.updatedAt) > secondOf(unmodifiedSince)) {
        throw new HeliostatError("conflict", "The mirror has changed meanwhile.");
      }
      await ports.mirrors.remove(mirror.id);
      await ports.queue.cancel(mirror.id);
    },
    async syncPushMirror(principal, which, mirrorId) {
      const { mirror } = await find(principal, which, mirrorId);
      if (!(await seen(mirror)).enabled) throw new HeliostatError("model-invalid", NOT_READY);
      await requestUpdate(ports, mirror, "manual");
    },
  };

  async function seen(mirror: Mirror): Promise<Mirror> {
    const [effective] = await asSeen(ports, [mirror]);
    return effective ?? mirror;
  }
}

function optionsOf(changes: PushMirrorChanges, before: MirrorOptions): MirrorOptions {
  return {
    ...before,
    onlyProtectedBranches: changes.onlyProtectedBranches ?? before.onlyProtectedBranches,
    keepDivergentRefs: changes.keepDivergentRefs ?? before.keepDivergentRefs,
    branchRegex: changes.branchRegex === undefined ? before.branchRegex : regexOrNull(changes.branchRegex),
  };
}

/** Times in HTTP are whole seconds. */
function secondOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function refuseTooMany(mirrors: readonly Mirror[]): void {
  if (mirrors.filter((mirror) => mirror.enabled).length < MAX_ENABLED) return;
  const message = `Maximum number of push mirrors (${MAX_ENABLED}) exceeded for this project.`;
  throw new HeliostatError("model-invalid", message, { fields: { base: [message] } });
}
