import { HeliostatError } from "../../domain/errors.ts";
import type { Project } from "../../domain/project.ts";
import { REFUSALS, type RefRefusal } from "../../domain/push-refusal.ts";
import type { RefChange } from "../../domain/refs.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { recordPush } from "../events/record-moves.ts";
import { tellHooksOfPush } from "../hooks/tell-hooks.ts";
import type { Ports } from "../ports.ts";
import { type JudgedWrite, judgeWrite } from "../repositories/judge-write.ts";
import { beginWrite } from "../repositories/write-refs.ts";

/**
 * Creates or deletes one branch or tag, by the rules of a push and with all that follows from one. `forbidden` with the
 * rule's words, `model-invalid` for a name that no push may bring either, `too-many-refs`, `conflict` when the ref
 * moved meanwhile.
 */
export async function changeRef(
  ports: Ports,
  principal: Principal,
  project: Project,
  change: RefChange,
): Promise<void> {
  const { user } = requireSignedIn(principal);
  const path = ports.repositories.pathOf(project.id);
  const judged = await judgeWrite(ports, principal, project.id, { commands: [change], door: "api" });
  for (const refusal of judged.refusals) throw refusalError(refusal);
  if (change.new !== null) await refuseOneMore(ports, path, judged);
  const endWrite = await beginWrite(ports, principal, project);
  try {
    const [result] = await ports.repositories.applyChanges(path, [change]);
    if (result === undefined || result.outcome === "rejected") {
      throw new HeliostatError("ref-changed", result?.message ?? "It was not changed.");
    }
  } finally {
    await endWrite();
  }
  const move = { ref: change.ref, old: change.old, new: change.new };
  const push = { projectId: project.id, authorId: user.id, moves: [move] };
  recordPush(ports, push);
  tellHooksOfPush(ports, push);
}

const BAD_NAMES: readonly string[] = [
  REFUSALS.branchName.reason,
  REFUSALS.tagName.reason,
  REFUSALS.hexName.reason,
  REFUSALS.refName.reason,
];

function refusalError({ reason, sentence, advice }: RefRefusal): HeliostatError {
  const code = BAD_NAMES.includes(reason) ? "model-invalid" : "forbidden";
  return new HeliostatError(code, `${sentence} ${advice}`);
}

/** What git's hook counts for a push. */
async function refuseOneMore(
  { browsing }: Pick<Ports, "browsing">,
  path: string,
  { limits }: JudgedWrite,
): Promise<void> {
  const lists = await Promise.all([browsing.listRefs(path, "branches"), browsing.listRefs(path, "tags")]);
  const count = lists.reduce((sum, { refs }) => sum + refs.size, 0);
  if (count < limits.refs) return;
  throw new HeliostatError(
    "too-many-refs",
    `The project has ${count} branches and tags, and may have no more than ${limits.refs}. Delete some that are not needed, or ask an admin to raise \`max_refs\`, of the project or of the instance.`,
  );
}
