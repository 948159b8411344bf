import { HeliostatError } from "../../domain/errors.ts";
import type { Project } from "../../domain/project.ts";
import type { RefChange } from "../../domain/refs.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { recordPush } from "../events/record-moves.ts";
import { notePushWishes } from "../mirrors/request-update.ts";
import type { Ports } from "../ports.ts";

/** Changes one ref as a push would: mirrors hear of it, and the activity feed. `conflict` when it moved meanwhile. */
export async function changeRef(
  ports: Ports,
  principal: Principal,
  project: Project,
  change: RefChange,
): Promise<void> {
  const { user } = requireSignedIn(principal);
  const path = ports.repositories.pathOf(project.id);
  await ports.projects.beginRefsWrite(project.id);
  let isChanged = false;
  try {
    const [result] = await ports.repositories.applyChanges(path, [change]);
    isChanged = result?.outcome !== "rejected";
    if (!isChanged) throw new HeliostatError("ref-changed", result?.message ?? "It was not changed.");
  } finally {
    const wished = isChanged
      ? notePushWishes(ports, project.id, "push", user.id)
      : Promise.resolve(async () => undefined);
    await wished.catch(() => undefined);
    await ports.projects.endRefsWrite(project.id);
    const tellQueue = await wished;
    await tellQueue();
    ports.housekeeping.noteWrite(project.id);
  }
  const move = { ref: change.ref, old: change.old, new: change.new };
  recordPush(ports, { projectId: project.id, authorId: user.id, moves: [move] });
}
