import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { mayMirror } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import { hearHook } from "../mirror-hooks/hear-hook.ts";
import type { Ports } from "../ports.ts";
import type { UseCases } from "../use-cases.ts";
import { configurePullMirror } from "./configure-pull-mirror.ts";
import { asSeen, asSeenNow } from "./effective-mirror.ts";
import { startPull } from "./start-mirror.ts";

type PullMirrorUseCases = Pick<UseCases, "findPullMirror" | "configurePullMirror" | "startPullMirror">;

/** A project's one pull mirror, as GitLab's API has it; without one, or with one that is off, there is none. */
export function pullMirrorUseCases(ports: Ports): PullMirrorUseCases {
  async function findEnabled(project: Project): Promise<Mirror | null> {
    const [mirror] = await asSeen(ports, project, await ports.mirrors.listOf(project.id, "pull"));
    return mirror?.enabled ? mirror : null;
  }

  return {
    async findPullMirror(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-mirrors");
      return await findEnabled(project);
    },
    async configurePullMirror(principal, which, settings) {
      const project = await findProjectFor(ports, principal, which, "admin-mirrors");
      if (!mayMirror(principal, await ports.settings.read())) {
        throw new HeliostatError("model-invalid", "Access Denied");
      }
      return await asSeenNow(
        ports,
        await configurePullMirror(ports, requireSignedIn(principal), project, settings),
      );
    },
    async startPullMirror(principal, which, { force, hook = null }) {
      const project = await findProjectFor(ports, principal, which, "admin-mirrors");
      const mirror = await findEnabled(project);
      if (mirror === null) return null;
      const start = () => startPull(ports, principal, project, mirror, { force });
      return await hearHook(ports, mirror, hook, null, start);
    },
  };
}
