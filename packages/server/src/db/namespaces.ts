import type { Visibility } from "@heliostat/contract";
import type { Insertable, Selectable } from "kysely";
import type { NamespaceStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import type { Namespace } from "../domain/project.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import { containing } from "./like.ts";
import { isMemberOfNamespace } from "./members.ts";
import { windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

export function createNamespaceStore(db: Db): NamespaceStore {
  return {
    async find(id) {
      const row = await db.selectFrom("namespaces").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toNamespace(row) : null;
    },
    async findByFullPath(fullPath) {
      const row = await db
        .selectFrom("namespaces")
        .selectAll()
        .where((where) => where(where.fn("lower", ["full_path"]), "=", fullPath.toLowerCase()))
        .executeTakeFirst();
      return row ? toNamespace(row) : null;
    },
    async createGroup(group) {
      try {
        return await db.transaction().execute(async (transaction) => {
          const parent =
            group.parentId === null
              ? null
              : await transaction
                  .selectFrom("namespaces")
                  .selectAll()
                  .where("id", "=", group.parentId)
                  .executeTakeFirst();
          if (parent === undefined || parent?.kind === "user") {
            throw new HeliostatError("model-invalid", "the parent group does not exist", {
              fields: { parent_id: ["is not a group"] },
            });
          }
          const row = await insertNamespace(
            transaction,
            {
              kind: "group",
              name: group.name,
              path: group.path,
              full_path: parent ? `${parent.full_path}/${group.path}` : group.path,
              parent_id: group.parentId,
              visibility: group.visibility,
              description: group.description,
            },
            parent?.traversal_ids ?? [],
          );
          return toNamespace(row);
        });
      } catch (error) {
        if (brokenUniqueness(error) === null) throw error;
        throw new HeliostatError("model-invalid", "path has already been taken", {
          fields: { path: ["has already been taken"] },
        });
      }
    },
    async list(filter, page) {
      let matching = db.selectFrom("namespaces");
      const viewer = filter.visibleTo;
      if (!viewer.isAdmin) {
        const visible: Visibility[] = viewer.seesInternal ? ["public", "internal"] : ["public"];
        matching = matching.where((where) =>
          where.or([
            where("visibility", "in", visible),
            isMemberOfNamespace(viewer, ACCESS_LEVELS.guest, { orBelow: true }),
          ]),
        );
      }
      if (filter.kind) matching = matching.where("kind", "=", filter.kind);
      if (filter.search) matching = matching.where("full_path", "ilike", containing(filter.search));
      const { total } = await matching
        .select(({ fn }) => fn.countAll<number>().as("total"))
        .executeTakeFirstOrThrow();
      const { limit, offset } = windowOf(page);
      const rows = await matching.selectAll().orderBy("id").limit(limit).offset(offset).execute();
      return { items: rows.map(toNamespace), total };
    },
  };
}

/** Makes the row, and then notes the way to it, which ends with its own id. */
export async function insertNamespace(
  transaction: Db,
  values: Omit<Insertable<Database["namespaces"]>, "traversal_ids">,
  above: readonly number[],
): Promise<Selectable<Database["namespaces"]>> {
  const { id } = await transaction
    .insertInto("namespaces")
    .values({ ...values, traversal_ids: [] })
    .returning("id")
    .executeTakeFirstOrThrow();
  return await transaction
    .updateTable("namespaces")
    .set({ traversal_ids: [...above, id] })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export function toNamespace(row: Selectable<Database["namespaces"]>): Namespace {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    path: row.path,
    fullPath: row.full_path,
    parentId: row.parent_id,
    ownerId: row.owner_id,
    traversalIds: row.traversal_ids,
    visibility: row.visibility,
    description: row.description,
  };
}
