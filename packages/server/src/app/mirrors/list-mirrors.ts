import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { PathOrId, UseCases } from "../use-cases.ts";
import { asSeen } from "./effective-mirror.ts";

type MirrorListUseCases = Pick<UseCases, "listMirrors" | "findMirror" | "listUpdates">;

/** What GitLab has no word for: all mirrors of a project, of every direction, with the history of their updates. */
export function mirrorListUseCases(ports: Ports): MirrorListUseCases {
  async function find(principal: Principal, which: PathOrId, mirrorId: number): Promise<Mirror> {
    const project = await findProjectFor(ports, principal, which, "read-mirrors");
    const mirror = await ports.mirrors.find(mirrorId);
    if (mirror?.projectId !== project.id) throw new HeliostatError("not-found", "Not found");
    const [seen] = await asSeen(ports, [mirror]);
    return seen ?? mirror;
  }

  return {
    async listMirrors(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-mirrors");
      return await asSeen(ports, await ports.mirrors.listOf(project.id));
    },
    findMirror: find,
    async listUpdates(principal, which, mirrorId, limit) {
      const mirror = await find(principal, which, mirrorId);
      return await ports.mirrors.listUpdates(mirror.id, limit);
    },
  };
}
