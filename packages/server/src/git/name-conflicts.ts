import type { RefName } from "../domain/ref-name.ts";

/**
 * Those of `names` that cannot stand beside another name of `others`: `refs/heads/a` and `refs/heads/a/b` would be a
 * file and a directory of one name, which git refuses.
 */
export function findNameConflicts(names: Iterable<RefName>, others: Iterable<RefName>): ReadonlySet<RefName> {
  const standing = new Set<string>(others);
  const directories = new Set<string>();
  for (const name of standing) {
    for (let parent = parentOf(name); parent !== ""; parent = parentOf(parent)) {
      // Those further up were added together with this one.
      if (directories.has(parent)) break;
      directories.add(parent);
    }
  }
  const conflicts = new Set<RefName>();
  for (const name of names) {
    if (directories.has(name) || isBelow(name, standing)) conflicts.add(name);
  }
  return conflicts;
}

function isBelow(name: string, standing: ReadonlySet<string>): boolean {
  for (let parent = parentOf(name); parent !== ""; parent = parentOf(parent)) {
    if (standing.has(parent)) return true;
  }
  return false;
}

/** "" for a name without a slash. */
function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}
