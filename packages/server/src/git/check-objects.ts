import type { Oid } from "../domain/oid.ts";
import { parseOid } from "../domain/oid.ts";
import type { Git } from "./run-git.ts";

export interface ObjectInfo {
  readonly oid: Oid;
  readonly type: "commit" | "tree" | "blob" | "tag";
}

/**
 * Looks many objects up in one process. `peel` follows annotated tags: to a commit, or to whatever is not a tag. An
 * oid that is not here, or does not lead to what was asked for, is not in the answer.
 */
export async function checkObjects(
  git: Git,
  path: string,
  oids: Iterable<Oid>,
  peel: "" | "^{commit}" | "^{}" = "",
  signal?: AbortSignal,
): Promise<ReadonlyMap<Oid, ObjectInfo>> {
  const asked = [...new Set(oids)];
  const found = new Map<Oid, ObjectInfo>();
  if (asked.length === 0) return found;
  const { stdout } = await git.run({
    gitDir: path,
    // `--buffer`: one answer at a time is for those who ask one question at a time, and costs a system call for each.
    args: ["cat-file", "--buffer", "--batch-check=%(objectname) %(objecttype)"],
    input: asked.map((oid) => `${oid}${peel}\n`).join(""),
    ...(signal ? { signal } : {}),
  });
  // One line an oid, in the order in which they were asked; what is missing says so in the type's place.
  const lines = stdout.toString().split("\n");
  asked.forEach((oid, index) => {
    const [name = "", type = ""] = (lines[index] ?? "").split(" ");
    if (isObjectType(type)) found.set(oid, { oid: parseOid(name), type });
  });
  return found;
}

function isObjectType(text: string): text is ObjectInfo["type"] {
  return text === "commit" || text === "tree" || text === "blob" || text === "tag";
}
