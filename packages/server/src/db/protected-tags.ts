import type { Selectable } from "kysely";
import type { ProtectedTag, ProtectedTagStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

export function createProtectedTagStore(db: Db): ProtectedTagStore {
  return {
    async list(projectId) {
      const rows = await db
        .selectFrom("protected_tags")
        .selectAll()
        .where("project_id", "=", projectId)
        .orderBy("id")
        .execute();
      return rows.map(toProtectedTag);
    },
    async create(projectId, name, createAccessLevel) {
      try {
        const row = await db
          .insertInto("protected_tags")
          .values({ project_id: projectId, name, create_access_level: createAccessLevel })
          .returningAll()
          .executeTakeFirstOrThrow();
        return toProtectedTag(row);
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

function toProtectedTag(row: Selectable<Database["protected_tags"]>): ProtectedTag {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    createAccessLevel: row.create_access_level,
  };
}
