import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { MemberStore } from "../app/ports.ts";
import type { Viewer } from "../domain/user.ts";
import type { Db } from "./pool.ts";

export function createMemberStore(db: Db): MemberStore {
  return {
    async membershipsOf(userId) {
      const rows = await db
        .selectFrom("members")
        .leftJoin("projects", "projects.id", "members.project_id")
        .innerJoin("namespaces", (join) =>
          join.on(sql<SqlBool>`namespaces.id = coalesce(members.namespace_id, projects.namespace_id)`),
        )
        .select([
          "members.namespace_id",
          "members.project_id",
          "members.access_level",
          "namespaces.traversal_ids",
        ])
        .where("members.user_id", "=", userId)
        .where(IS_IN_FORCE)
        .execute();
      return rows.map((row) => ({
        namespaceId: row.namespace_id,
        projectId: row.project_id,
        traversalIds: row.traversal_ids,
        accessLevel: row.access_level,
      }));
    },
  };
}

/** Of a row of `members`: it has not expired. */
const IS_IN_FORCE = sql<SqlBool>`(members.expires_at is null or members.expires_at > (now() at time zone 'UTC')::date)`;

/**
 * Whether this viewer is a member, of this level at least, of the project in the row or of a group above it, or owns its
 * namespace. For queries over `projects` joined with `namespaces`; says the same as `accessLevel` in the policy, but for
 * admins, whom the query leaves unfiltered.
 */
export function isMemberOfProject({ id }: Viewer, leastLevel: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`(namespaces.owner_id = ${id} or exists (
    select from members
    where members.user_id = ${id} and members.access_level >= ${leastLevel} and ${IS_IN_FORCE}
      and (members.project_id = projects.id or members.namespace_id = any (namespaces.traversal_ids))))`;
}

/**
 * The same for queries over `namespaces` alone, as `namespaceLevel` has it; `orBelow`: or a member of a group or project
 * below it.
 */
export function isMemberOfNamespace(
  { id }: Viewer,
  leastLevel: number,
  { orBelow = false }: { readonly orBelow?: boolean } = {},
): RawBuilder<SqlBool> {
  const here = sql<SqlBool>`members.namespace_id = any (namespaces.traversal_ids)`;
  const below = sql<SqlBool>`exists (
    select from namespaces as home
    where namespaces.id = any (home.traversal_ids)
      and home.id = coalesce(members.namespace_id, (select namespace_id from projects where projects.id = members.project_id)))`;
  return sql<SqlBool>`(namespaces.owner_id = ${id} or exists (
    select from members
    where members.user_id = ${id} and members.access_level >= ${leastLevel} and ${IS_IN_FORCE}
      and ${orBelow ? sql<SqlBool>`(${here} or ${below})` : here}))`;
}
