import { HeliostatError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { MirrorView, PathOrId, UseCases } from "../use-cases.ts";
import { viewMirrors } from "./mirror-view.ts";

type MirrorListUseCases = Pick<UseCases, "listMirrors" | "findMirror">;

/** What GitLab has no word for: all mirrors of a project, of every direction. */
export function mirrorListUseCases(ports: Ports): MirrorListUseCases {
  async function find(principal: Principal, which: PathOrId, mirrorId: number): Promise<MirrorView> {
    const project = await findProjectFor(ports, principal, which, "read-mirrors");
    const mirror = await ports.mirrors.find(mirrorId);
    const [view] = mirror?.projectId === project.id ? await viewMirrors(ports, project, [mirror]) : [];
    if (!view) throw new HeliostatError("not-found", "Not found");
    return view;
  }

  return {
    async listMirrors(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-mirrors");
      return await viewMirrors(ports, project, await ports.mirrors.listOf(project.id));
    },
    findMirror: find,
  };
}
