import type { AccessEntryParam, AccessLevelAnswer } from "@heliostat/contract/api/protected-branches.ts";
import type { AccessEntry, EntryChanges } from "../../../app/ports.ts";
import type { Grantee } from "../../../domain/protections.ts";

/** GitLab's words for its numbers. */
const DESCRIPTIONS: Readonly<Record<number, string>> = {
  0: "No one",
  30: "Developers + Maintainers",
  40: "Maintainers",
  60: "Instance admins",
};

/** An entry in GitLab's form: roles by their number, everybody else by id and name. */
export function presentEntry({ id, grantee, name }: AccessEntry): AccessLevelAnswer {
  const isRole = grantee.kind === "role";
  return {
    id,
    access_level: isRole ? grantee.level : null,
    access_level_description: isRole ? (DESCRIPTIONS[grantee.level] ?? "") : (name ?? ""),
    deploy_key_id: grantee.kind === "deploy-key" ? grantee.id : null,
    user_id: grantee.kind === "user" ? grantee.id : null,
    group_id: grantee.kind === "group" ? grantee.id : null,
  };
}

/**
 * Both of GitLab's forms in one: a level, and a list of entries. Undefined when neither names anybody, which leaves the
 * choice to the use case. A client library merges several entries into one object: each of its keys counts.
 */
export function readGrantees(
  level: number | undefined,
  entries: readonly AccessEntryParam[] | undefined,
): readonly Grantee[] | undefined {
  const grantees: Grantee[] = level === undefined ? [] : [{ kind: "role", level }];
  for (const entry of entries ?? []) if (entry._destroy !== true) grantees.push(...granteesOf(entry));
  return grantees.length === 0 ? undefined : grantees;
}

/** Entries as `PATCH` takes them: with `id` and `_destroy` to remove, with `id` to change, without to add. */
export function readEntryChanges(entries: readonly AccessEntryParam[] | undefined): EntryChanges | undefined {
  if (entries === undefined) return undefined;
  return {
    add: entries.filter(({ id, _destroy }) => id === undefined && _destroy !== true).flatMap(granteesOf),
    remove: entries.flatMap(({ id, _destroy }) => (id !== undefined && _destroy === true ? id : [])),
    change: entries.flatMap((entry) => {
      const [grantee] = granteesOf(entry);
      if (entry.id === undefined || entry._destroy === true || grantee === undefined) return [];
      return { id: entry.id, grantee };
    }),
  };
}

function granteesOf(entry: AccessEntryParam): Grantee[] {
  const { access_level: level, user_id: user, group_id: group, deploy_key_id: key } = entry;
  return [
    ...(level === undefined ? [] : [{ kind: "role", level } as const]),
    ...(user === undefined ? [] : [{ kind: "user", id: user } as const]),
    ...(group === undefined ? [] : [{ kind: "group", id: group } as const]),
    ...(key === undefined ? [] : [{ kind: "deploy-key", id: key } as const]),
  ];
}
