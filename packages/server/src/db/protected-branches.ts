import type { Selectable } from "kysely";
import type { ProtectedBranch, ProtectedBranchStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

export function createProtectedBranchStore(db: Db): ProtectedBranchStore {
  return {
    async list(projectId) {
      const rows = await db
        .selectFrom("protected_branches")
        .selectAll()
        .where("project_id", "=", projectId)
        .orderBy("id")
        .execute();
      return rows.map(toProtectedBranch);
    },
    async create(projectId, name) {
      try {
        const row = await db
          .insertInto("protected_branches")
          .values({ project_id: projectId, name })
          .returningAll()
          .executeTakeFirstOrThrow();
        return toProtectedBranch(row);
      } catch (error) {
        if (brokenUniqueness(error) === null) throw error;
        throw new HeliostatError("conflict", `Protected branch '${name}' already exists`, { cause: error });
      }
    },
    async remove(projectId, name) {
      const { numDeletedRows } = await db
        .deleteFrom("protected_branches")
        .where("project_id", "=", projectId)
        .where("name", "=", name)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}

function toProtectedBranch(row: Selectable<Database["protected_branches"]>): ProtectedBranch {
  return { id: row.id, projectId: row.project_id, name: row.name };
}
