import type { Project } from "../../domain/project.ts";
import { shortName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import { viewerOf } from "../access.ts";
import { notePushWishes } from "../mirrors/request-update.ts";
import type { Ports } from "../ports.ts";
import { protectDefaultBranch } from "../protections/protect-default-branch.ts";
import { adoptDefaultBranch } from "./adopt-default-branch.ts";

/**
 * To be called before a client's write touches any ref, and what it answers after it, whatever became of the write:
 * a default branch is found and protected, push mirrors are asked for, housekeeping hears of it.
 */
export async function beginWrite(
  ports: Ports,
  principal: Principal,
  project: Project,
): Promise<() => Promise<void>> {
  await ports.projects.beginRefsWrite(project.id);
  return () => endWrite(ports, principal, project);
}

/**
 * Even a write that broke off may have changed refs: git tells its hook, not us, in which order it died. The wish comes
 * before the end: whoever is killed between the two has written refs that the next start looks after.
 */
async function endWrite(ports: Ports, principal: Principal, project: Project): Promise<void> {
  const protecting = settleDefaultBranch(ports, project);
  const userId = viewerOf(principal)?.id;
  const wished = notePushWishes(ports, project.id, "push", userId);
  await protecting;
  await wished.catch(() => undefined);
  await ports.projects.endRefsWrite(project.id);
  const tellQueue = await wished;
  await tellQueue();
  ports.housekeeping.noteWrite(project.id);
}

/** Not worth a failed write: the next one sees to it. */
async function settleDefaultBranch(ports: Ports, project: Project): Promise<void> {
  try {
    const branch = await adoptDefaultBranch(ports, project);
    if (branch !== null)
      ports.log.info({ projectId: project.id, branch: shortName(branch) }, "default branch chosen");
    await protectDefaultBranch(ports, project);
  } catch (error) {
    ports.log.error({ projectId: project.id, err: error }, "the default branch could not be settled");
  }
}
