import type { Visibility } from "@heliostat/contract";
import { type Selectable, type SqlBool, sql } from "kysely";
import type { NamespaceStore } from "../app/ports.ts";
import { HeliostatError, invalidField } from "../domain/errors.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import type { Namespace } from "../domain/project.ts";
import { complaintAbove, complaintBelow } from "../domain/visibility.ts";
import { brokenUniqueness, brokeReference } from "./broken-constraint.ts";
import { insertNamespace } from "./insert-namespace.ts";
import { containing } from "./like.ts";
import { lockTree } from "./lock-tree.ts";
import { isMemberOfNamespace } from "./members.ts";
import { countUpTo, planPart, type SortKey, takePart } from "./part.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** Namespaces, found by id or by path in any case. `model-invalid` for a path that is taken. */
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
      return await refuseTakenPath(() =>
        db.transaction().execute(async (transaction) => {
          if (group.parentId !== null) await lockTree(transaction, group.parentId, "change");
          const parent = group.parentId === null ? null : await selectById(transaction, group.parentId);
          if (parent === undefined || parent?.kind === "user")
            throw invalidField("parent_id", "is not a group");
          refuseVisibility(complaintAbove(group.visibility, parent?.visibility ?? null, "group"));
          await refusePathOfProject(transaction, group.parentId, group.path);
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
          const { creatorId } = group;
          if (creatorId !== undefined) {
            await transaction
              .insertInto("members")
              .values({
                ...{ namespace_id: row.id, user_id: creatorId, created_by: creatorId },
                access_level: ACCESS_LEVELS.owner,
              })
              .execute();
          }
          return toNamespace(row);
        }),
      );
    },
    async updateGroup(id, { name, path, visibility, description }) {
      return await refuseTakenPath(() =>
        db.transaction().execute(async (transaction) => {
          await lockTree(transaction, id, "change");
          const before = await selectById(transaction, id);
          if (before?.kind !== "group") throw new HeliostatError("not-found", "Group Not Found");
          if (visibility !== undefined && visibility !== before.visibility) {
            await refuseMisfit(transaction, before, visibility);
          }
          if (path !== undefined && path !== before.path) {
            await refusePathOfProject(transaction, before.parent_id, path);
            const parent = before.full_path.slice(0, before.full_path.length - before.path.length);
            // In one statement, itself and all below it, so that no reader finds a part of them.
            await transaction
              .updateTable("namespaces")
              .set({
                full_path: sql`${parent + path} || substr(full_path, ${before.full_path.length + 1}::integer)`,
              })
              .where(sql<SqlBool>`${id} = any (traversal_ids)`)
              .execute();
          }
          const row = await transaction
            .updateTable("namespaces")
            .set({ name: name ?? before.name, path, visibility, description })
            .where("id", "=", id)
            .returningAll()
            .executeTakeFirstOrThrow();
          return toNamespace(row);
        }),
      );
    },
    async removeGroup(id) {
      try {
        await db.deleteFrom("namespaces").where("id", "=", id).where("kind", "=", "group").execute();
      } catch (error) {
        if (!brokeReference(error)) throw error;
        const message = brokeReference(error, "mirrors_credential_id_fkey")
          ? "Mirrors elsewhere use credentials of this group: give them other ones, or remove them, first."
          : "There are projects or subgroups in this group: remove them, or move them elsewhere, first.";
        throw new HeliostatError("conflict", message, { cause: error });
      }
    },
    async list(filter, window) {
      let matching = db.selectFrom("namespaces");
      const { visibleTo: viewer, leastLevel, order = { by: "id", descending: false } } = filter;
      if (viewer === null) matching = matching.where("visibility", "=", "public");
      else if (!viewer.isAdmin) {
        const visible: Visibility[] = viewer.seesInternal ? ["public", "internal"] : ["public"];
        matching = matching.where((where) =>
          where.or([
            where("visibility", "in", visible),
            isMemberOfNamespace(viewer, ACCESS_LEVELS.guest, { orBelow: true }),
          ]),
        );
      }
      if (leastLevel !== undefined) {
        if (viewer === null) return { items: [], total: 0, next: null };
        matching = matching.where(isMemberOfNamespace(viewer, leastLevel));
      }
      if (filter.kind) matching = matching.where("kind", "=", filter.kind);
      if (filter.visibility) matching = matching.where("visibility", "=", filter.visibility);
      if (filter.parentId === null) matching = matching.where("parent_id", "is", null);
      else if (filter.parentId !== undefined) matching = matching.where("parent_id", "=", filter.parentId);
      const { belowId } = filter;
      if (belowId !== undefined) {
        matching = matching
          .where("id", "<>", belowId)
          .where(sql<SqlBool>`traversal_ids @> ${[belowId]}::integer[]`);
      }
      if (filter.search) {
        const pattern = containing(filter.search);
        matching = matching.where((where) =>
          where.or([where("full_path", "ilike", pattern), where("name", "ilike", pattern)]),
        );
      }
      const key: SortKey = {
        name: order.by,
        column: sql.ref(`namespaces.${order.by}`),
        id: sql.ref("namespaces.id"),
        kind: order.by === "id" ? "id" : "text",
        descending: order.descending,
      };
      const plan = planPart(key, window);
      const rows = await (plan.behind === null ? matching : matching.where(plan.behind))
        .selectAll()
        .select(plan.cursorValue.as("cursor_value"))
        .orderBy(plan.order)
        .limit(plan.limit)
        .offset(plan.offset)
        .execute();
      const part = await takePart(key, window, rows, () =>
        countUpTo(db, sql`${matching.select(sql`1`.as("one"))}`),
      );
      return { ...part, items: part.items.map(toNamespace) };
    },
  };
}

/** A URL leads to one thing: a project and a group side by side have no path in common. */
async function refusePathOfProject(transaction: Db, parentId: number | null, path: string): Promise<void> {
  if (parentId === null) return;
  const project = await transaction
    .selectFrom("projects")
    .select("id")
    .where("namespace_id", "=", parentId)
    .where((where) => where(where.fn("lower", ["path"]), "=", path.toLowerCase()))
    .executeTakeFirst();
  if (project) throw invalidField("path", "has already been taken");
}

async function selectById(db: Db, id: number): Promise<Selectable<Database["namespaces"]> | undefined> {
  return await db.selectFrom("namespaces").selectAll().where("id", "=", id).executeTakeFirst();
}

async function refuseTakenPath<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (brokenUniqueness(error) !== "namespaces_full_path") throw error;
    throw invalidField("path", "has already been taken");
  }
}

/** `model-invalid` with the complaint, if there is one. */
export function refuseVisibility(complaint: string | null): void {
  if (complaint !== null) throw invalidField("visibility_level", complaint);
}

/** Unless what is above the group and what is below it allow it to be as visible as this. */
async function refuseMisfit(
  transaction: Db,
  group: Selectable<Database["namespaces"]>,
  wanted: Visibility,
): Promise<void> {
  const parent = group.parent_id === null ? undefined : await selectById(transaction, group.parent_id);
  refuseVisibility(complaintAbove(wanted, parent?.visibility ?? null, "group"));
  const isBelow = sql<SqlBool>`namespaces.traversal_ids @> ${[group.id]}::integer[]`;
  const groups = await transaction
    .selectFrom("namespaces")
    .select("visibility")
    .distinct()
    .where(isBelow)
    .where("id", "<>", group.id)
    .execute();
  const projects = await transaction
    .selectFrom("projects")
    .innerJoin("namespaces", "namespaces.id", "projects.namespace_id")
    .select("projects.visibility")
    .distinct()
    .where(isBelow)
    .execute();
  const complaint = complaintBelow(wanted, {
    groups: groups.flatMap(({ visibility }) => visibility ?? []),
    projects: projects.map(({ visibility }) => visibility),
  });
  refuseVisibility(complaint);
}

/** A row as the domain's namespace. */
export function toNamespace(row: Omit<Selectable<Database["namespaces"]>, "created_at">): Namespace {
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
