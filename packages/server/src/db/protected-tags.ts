import type { AccessEntry, ProtectedTag, ProtectedTagStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { distinctGrantees, GRANTEE_NAME, granteeColumns, toAccessEntry } from "./access-entries.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import { inTransaction } from "./in-transaction.ts";
import type { Db } from "./pool.ts";

/** The rules of tags with their entries; `conflict` for a second one of the same name. */
export function createProtectedTagStore(db: Db): ProtectedTagStore {
  return {
    list: (projectId) => list(db, projectId),
    async create(projectId, name, create) {
      try {
        return await inTransaction(db, async (trx) => {
          const { id } = await trx
            .insertInto("protected_tags")
            .values({ project_id: projectId, name })
            .returning("id")
            .executeTakeFirstOrThrow();
          const grantees = distinctGrantees(create);
          if (grantees.length > 0) {
            await trx
              .insertInto("protected_tag_access_levels")
              .values(grantees.map((grantee) => ({ protected_tag_id: id, ...granteeColumns(grantee) })))
              .execute();
          }
          const made = (await list(trx, projectId)).find((tag) => tag.id === id);
          if (!made) throw new HeliostatError("not-found", "Not found");
          return made;
        });
      } catch (error) {
        if (brokenUniqueness(error) === null) throw error;
        throw new HeliostatError("conflict", `Protected tag '${name}' already exists`, { cause: error });
      }
    },
    async remove(projectId, name) {
      const { numDeletedRows } = await db
        .deleteFrom("protected_tags")
        .where("project_id", "=", projectId)
        .where("name", "=", name)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}

async function list(db: Db, projectId: number): Promise<readonly ProtectedTag[]> {
  const rows = await db
    .selectFrom("protected_tags")
    .leftJoin("protected_tag_access_levels as entries", "entries.protected_tag_id", "protected_tags.id")
    .select([
      "protected_tags.id",
      "protected_tags.name",
      "entries.id as entry_id",
      "entries.access_level",
      "entries.user_id",
      "entries.group_id",
      "entries.deploy_key_id",
      GRANTEE_NAME.as("grantee_name"),
    ])
    .where("protected_tags.project_id", "=", projectId)
    .orderBy("protected_tags.id")
    .orderBy("entries.id")
    .execute();
  const names = new Map<number, string>();
  const entries = new Map<number, AccessEntry[]>();
  for (const row of rows) {
    names.set(row.id, row.name);
    if (row.entry_id === null) continue;
    entries.set(row.id, [...(entries.get(row.id) ?? []), toAccessEntry({ ...row, id: row.entry_id })]);
  }
  return [...names].map(([id, name]) => ({ id, projectId, name, create: entries.get(id) ?? [] }));
}
