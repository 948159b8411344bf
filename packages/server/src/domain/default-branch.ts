import { isBranch, type RefName } from "./ref-name.ts";

const USUAL: readonly string[] = ["refs/heads/main", "refs/heads/master"];

/** Which of these is to be the default branch where HEAD names none that is there: main, master, or the first by name. */
export function pickDefaultBranch(refs: Iterable<RefName>): RefName | null {
  const branches = [...refs].filter(isBranch).sort();
  const usual = USUAL.flatMap((name) => branches.find((branch) => branch === name) ?? []);
  return usual[0] ?? branches[0] ?? null;
}
