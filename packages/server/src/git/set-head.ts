import type { RefName } from "../domain/ref-name.ts";
import type { Git } from "./run-git.ts";

/** Points HEAD at a branch, which need not exist yet. */
export async function setHead(git: Git, path: string, head: RefName): Promise<void> {
  await git.run({ gitDir: path, args: ["symbolic-ref", "HEAD", head] });
}
