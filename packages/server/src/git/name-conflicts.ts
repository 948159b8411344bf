import type { RefName } from "../domain/ref-name.ts";

/**
 * Those of `names` that cannot stand beside another name of `others`: `refs/heads/a` and `refs/heads/a/b` would be a
 * file and a directory of one name, which git refuses.
 */
export function findNameConflicts(names: Iterable<RefName>, others: Iterable<RefName>): ReadonlySet<RefName> {
  const standing = new Set<string>(others);
  const directories = new Set<string>();
  for (const name of standing) for (const parent of parentsOf(name)) directories.add(parent);
  const conflicts = new Set<RefName>();
  for (const name of names) {
    if (directories.has(name) || parentsOf(name).some((parent) => standing.has(parent))) conflicts.add(name);
  }
  return conflicts;
}

function parentsOf(name: string): string[] {
  const parents: string[] = [];
  for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
    parents.push(name.slice(0, slash));
  }
  return parents;
}
