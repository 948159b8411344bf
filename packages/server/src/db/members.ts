import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { MemberOfSource, MemberSource, MemberStore, RemovedBelow } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import type { Membership, User, Viewer } from "../domain/user.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import { hasOwner } from "./last-owner.ts";
import { containing } from "./like.ts";
import { lockTree } from "./lock-tree.ts";
import { IN_FORCE, IS_IN_FORCE } from "./membership-in-force.ts";
import { windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import { prepare } from "./prepared.ts";
import { toUser } from "./users.ts";

/** The rows of a user's memberships today; the user's id is to follow. */
export const MEMBERSHIPS = `select members.namespace_id, members.project_id, members.access_level, namespaces.traversal_ids
  from members left join projects on projects.id = members.project_id
    join namespaces on namespaces.id = coalesce(members.namespace_id, projects.namespace_id)
  where ${IN_FORCE} and members.user_id =`;

export interface MembershipRow {
  readonly namespace_id: number | null;
  readonly project_id: number | null;
  readonly access_level: number;
  readonly traversal_ids: readonly number[];
}

const MEMBERSHIPS_OF = prepare<MembershipRow>("memberships-of-user", `${MEMBERSHIPS} $1`);

/** A row as the rules read it. */
export function toMembership(row: MembershipRow): Membership {
  return {
    namespaceId: row.namespace_id,
    projectId: row.project_id,
    traversalIds: row.traversal_ids,
    accessLevel: row.access_level,
  };
}

/**
 * Memberships, `conflict` for a second one in the same place. A group keeps an owner, whatever happens at the same
 * time.
 */
export function createMemberStore(db: Db): MemberStore {
  return {
    async membershipsOf(userId) {
      const rows = await MEMBERSHIPS_OF.read(db, [userId]);
      return rows.map(toMembership);
    },
    async list(source, { withInherited, search, userIds }, page) {
      const { limit, offset } = windowOf(page);
      const pattern = search === undefined ? null : containing(search);
      const ids = userIds === undefined ? null : [...userIds];
      const matching = sql`${membersOf(source, { withInherited })}
        where (${pattern}::text is null or users.username ilike ${pattern} or users.name ilike ${pattern})
          and (${ids}::integer[] is null or users.id = any (${ids}::integer[]))`;
      const total = await sql<{ total: number }>`select count(*) as total from ${matching}`.execute(db);
      const rows =
        await sql<MemberRow>`select users.id, member.access_level, member.expires_at::text as expires_at,
          member.created_at, member.created_by
        from ${matching} order by users.id limit ${limit} offset ${offset}`.execute(db);
      return { items: await withUsers(db, rows.rows), total: total.rows[0]?.total ?? 0 };
    },
    async listPeople(source, leastLevel) {
      const rows = await sql<{
        id: number;
      }>`select users.id from ${membersOf(source, { withInherited: true })}
        where member.access_level >= ${leastLevel} and users.state = 'active'
          and users.bot_of_project_id is null and not users.is_token_bot`.execute(db);
      const ids = rows.rows.map(({ id }) => id);
      return [...(await findUsers(db, ids)).values()].sort((one, other) => one.id - other.id);
    },
    async findInherited(source, userId) {
      const row = await db
        .selectFrom("members")
        .innerJoin("namespaces", "namespaces.id", "members.namespace_id")
        .select(["members.access_level", "namespaces.name"])
        .where("members.user_id", "=", userId)
        .where(sql<SqlBool>`members.namespace_id = any (${groupsAbove(source)}::integer[])`)
        .where(IS_IN_FORCE)
        .orderBy("members.access_level", "desc")
        .limit(1)
        .executeTakeFirst();
      return row ? { accessLevel: row.access_level, groupName: row.name } : null;
    },
    async add(source, { userId, accessLevel, expiresAt, createdBy }) {
      try {
        await db.transaction().execute(async (transaction) => {
          // One that has expired is none, and would be in the way.
          await transaction
            .deleteFrom("members")
            .where("user_id", "=", userId)
            .where(isOfSource(source))
            .where((where) => where.not(IS_IN_FORCE))
            .execute();
          await transaction
            .insertInto("members")
            .values({
              ...columnsOf(source),
              user_id: userId,
              access_level: accessLevel,
              expires_at: expiresAt,
              created_by: createdBy,
            })
            .execute();
        });
      } catch (error) {
        if (brokenUniqueness(error) === null) throw error;
        throw new HeliostatError("conflict", "Member already exists", { cause: error });
      }
    },
    async change(source, userId, { accessLevel, expiresAt }) {
      await keepingAnOwner(db, source, async (transaction) => {
        const changed = await transaction
          .updateTable("members")
          .set({ access_level: accessLevel, ...(expiresAt === undefined ? {} : { expires_at: expiresAt }) })
          .where("user_id", "=", userId)
          .where(isOfSource(source))
          .where(IS_IN_FORCE)
          .returning("id")
          .executeTakeFirst();
        if (!changed) throw new HeliostatError("not-found", "Not found");
      });
    },
    async remove(source, userId, { alsoBelow }) {
      return await keepingAnOwner(db, source, async (transaction) => {
        const removed = await transaction
          .deleteFrom("members")
          .where("user_id", "=", userId)
          .where(isOfSource(source))
          .where(IS_IN_FORCE)
          .returning("id")
          .executeTakeFirst();
        if (!removed) throw new HeliostatError("not-found", "Not found");
        return alsoBelow && source.projectId === null
          ? await removeBelow(transaction, source.namespace.id, userId)
          : [];
      });
    },
  };
}

/** What has expired goes too, but nobody loses anything by it: it is not answered. */
async function removeBelow(
  transaction: Db,
  namespaceId: number,
  userId: number,
): Promise<readonly RemovedBelow[]> {
  const removed = await sql<RemovedBelow>`with gone as (
      delete from members where user_id = ${userId} and (
        namespace_id in (select id from namespaces where ${namespaceId} = any (traversal_ids))
        or project_id in (
          select projects.id from projects join namespaces on namespaces.id = projects.namespace_id
          where ${namespaceId} = any (namespaces.traversal_ids)))
      returning namespace_id, project_id, access_level, ${sql.raw(IN_FORCE)} as was_in_force)
    select case when gone.project_id is null then 'group' else 'project' end as kind,
        coalesce(gone.project_id, gone.namespace_id) as id,
        namespaces.full_path || coalesce('/' || projects.path, '') as "fullPath",
        gone.access_level as "accessLevel"
      from gone left join projects on projects.id = gone.project_id
        join namespaces on namespaces.id = coalesce(gone.namespace_id, projects.namespace_id)
      where gone.was_in_force
      order by "fullPath"`.execute(transaction);
  return removed.rows;
}

interface MemberRow {
  /** Of the user. */
  readonly id: number;
  readonly access_level: number;
  readonly expires_at: string | null;
  readonly created_at: Date;
  readonly created_by: number | null;
}

/** `from`: one row of `users` and `member` for each member, the highest; who owns a project's namespace is one. */
function membersOf(source: MemberSource, { withInherited }: { withInherited: boolean }): RawBuilder<unknown> {
  const groups = withInherited ? groupsAbove(source) : [];
  const own = source.projectId === null ? [...groups, source.namespace.id] : groups;
  const ownerOf = source.projectId === null ? null : source.namespace.id;
  return sql`(
      select distinct on (user_id) user_id, access_level, expires_at, created_at, created_by
      from (
        select user_id, access_level, expires_at, created_at, created_by from members
        where ${IS_IN_FORCE} and (project_id = ${source.projectId} or namespace_id = any (${own}::integer[]))
        union all
        select owner_id, ${ACCESS_LEVELS.owner}::integer, null, created_at, null from namespaces
        where id = ${ownerOf}::integer and owner_id is not null
      ) as all_of_them
      order by user_id, access_level desc, expires_at desc nulls first
    ) as member join users on users.id = member.user_id`;
}

/** Those from which a membership is inherited. */
function groupsAbove({ projectId, namespace }: MemberSource): number[] {
  return namespace.traversalIds.filter((id) => projectId !== null || id !== namespace.id);
}

function columnsOf({ projectId, namespace }: MemberSource): {
  project_id: number | null;
  namespace_id: number | null;
} {
  return { project_id: projectId, namespace_id: projectId === null ? namespace.id : null };
}

function isOfSource({ projectId, namespace }: MemberSource): RawBuilder<SqlBool> {
  return projectId === null
    ? sql<SqlBool>`namespace_id = ${namespace.id}`
    : sql<SqlBool>`project_id = ${projectId}`;
}

/** Two owners of a group who take the role from each other at the same moment leave it one. */
async function keepingAnOwner<T>(
  db: Db,
  { projectId, namespace }: MemberSource,
  act: (transaction: Db) => Promise<T>,
): Promise<T> {
  return await db.transaction().execute(async (transaction) => {
    if (projectId !== null) return await act(transaction);
    await lockTree(transaction, namespace.id, "change");
    const hadOwner = await hasOwner(transaction, namespace);
    const done = await act(transaction);
    if (!hadOwner || (await hasOwner(transaction, namespace))) return done;
    throw new HeliostatError(
      "forbidden",
      "The last owner of a group stays its owner. Make somebody else an owner first.",
    );
  });
}

async function withUsers(db: Db, rows: readonly MemberRow[]): Promise<MemberOfSource[]> {
  const wanted = rows.flatMap(({ id, created_by }) => (created_by === null ? [id] : [id, created_by]));
  const users = await findUsers(db, wanted);
  return rows.flatMap((row) => {
    const user = users.get(row.id);
    if (!user) return [];
    const createdBy = row.created_by === null ? null : (users.get(row.created_by) ?? null);
    return [
      {
        ...{ user, createdBy, accessLevel: row.access_level },
        ...{ expiresAt: row.expires_at, createdAt: row.created_at },
      },
    ];
  });
}

async function findUsers(db: Db, ids: readonly number[]): Promise<Map<number, User>> {
  const rows = await db
    .selectFrom("users")
    .selectAll()
    .where(sql<SqlBool>`id = any (${[...ids]}::integer[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, toUser(row)]));
}

/**
 * Whether this viewer is a member, of this level at least, of the project in the row or of a group above it, or owns its
 * namespace. For queries over `projects`; says the same as `accessLevel` in the policy, but for admins, whom the query
 * leaves unfiltered.
 *
 * What the viewer is a member of is read once for the query, and not for each row: lists are long, memberships few.
 */
export function isMemberOfProject(viewer: Viewer, leastLevel: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`(projects.namespace_id in (
      select home.id from namespaces as home
      where home.owner_id = ${viewer.id} or home.traversal_ids && ${groupsOf(viewer, leastLevel)})
    or projects.id in (
      select members.project_id from members
      where members.project_id is not null and ${isOf(viewer, leastLevel)}))`;
}

/**
 * The same for queries over `namespaces` alone, as `namespaceLevel` has it; `orBelow`: or a member of a group or project
 * below it.
 */
export function isMemberOfNamespace(
  viewer: Viewer,
  leastLevel: number,
  { orBelow = false }: { readonly orBelow?: boolean } = {},
): RawBuilder<SqlBool> {
  const here = sql<SqlBool>`namespaces.owner_id = ${viewer.id}
    or namespaces.traversal_ids && ${groupsOf(viewer, leastLevel)}`;
  if (!orBelow) return sql<SqlBool>`(${here})`;
  return sql<SqlBool>`(${here} or namespaces.id in (
    select unnest(home.traversal_ids) from members
      left join projects as inside on inside.id = members.project_id
      join namespaces as home on home.id = coalesce(members.namespace_id, inside.namespace_id)
    where ${isOf(viewer, leastLevel)}))`;
}

/** The groups that somebody is in by a membership of their own, as an array. */
function groupsOf(viewer: Viewer, leastLevel: number): RawBuilder<readonly number[]> {
  return sql`array(
    select members.namespace_id from members
    where members.namespace_id is not null and ${isOf(viewer, leastLevel)})`;
}

function isOf({ id }: Viewer, leastLevel: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`members.user_id = ${id} and members.access_level >= ${leastLevel} and ${IS_IN_FORCE}`;
}
