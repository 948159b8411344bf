import type { Oid } from "../oid.ts";
import { isBranch } from "../ref-name.ts";
import type { LocalRefs, RefChange } from "../refs.ts";

/** With fewer refs git goes through all of them in a few milliseconds. */
const MANY_REFS = 5_000;
/** Besides those that change: enough for a new branch to be found near one that we have. */
const OTHER_BRANCHES = 1_000;

/**
 * Of a repository with many refs those values that what is to come most likely builds on: what the refs have now that
 * change, the default branch, and a thousand other branches from all over the list. A guess that misses costs a
 * transfer of commits that we have, never a wrong result. Undefined: there are so few refs that all may be used.
 */
export function likelyHaves(
  ours: LocalRefs,
  changes: readonly Pick<RefChange, "old">[],
): readonly Oid[] | undefined {
  if (ours.refs.size < MANY_REFS) return undefined;
  const haves = new Set(changes.flatMap(({ old }) => old ?? []));
  const tip = ours.head === null ? undefined : ours.refs.get(ours.head);
  if (tip !== undefined) haves.add(tip);
  const step = Math.ceil(ours.refs.size / OTHER_BRANCHES);
  let index = 0;
  for (const [ref, oid] of ours.refs) {
    if (index % step === 0 && isBranch(ref)) haves.add(oid);
    index += 1;
  }
  return haves.size > 0 ? [...haves] : undefined;
}
