import { type SqlBool, sql } from "kysely";
import { HeliostatError } from "../domain/errors.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import type { Namespace } from "../domain/project.ts";
import { lockTrees } from "./lock-tree.ts";
import { IS_IN_FORCE } from "./membership-in-force.ts";
import type { Db } from "./pool.ts";

/**
 * For the removal of a user: `conflict` when a group would be without an owner who can act. Until the transaction ends
 * nobody else takes an owner away from the groups that this user owns.
 */
export async function refuseOnlyOwner(transaction: Db, userId: number): Promise<void> {
  await lockTrees(
    transaction,
    sql`select namespace_id from members where user_id = ${userId} and access_level = ${ACCESS_LEVELS.owner}`,
  );
  const group = await findGroupOwnedAlone(transaction, userId);
  if (group === null) return;
  throw new HeliostatError(
    "conflict",
    `This user is the only owner of the group ${group}: make somebody else its owner, or remove it, first.`,
  );
}

/** A group, by its full path, that would be without an owner who can act if this user were gone; null: there is none. */
async function findGroupOwnedAlone(transaction: Db, userId: number): Promise<string | null> {
  const found = await sql<{ full_path: string }>`select namespaces.full_path
    from members join namespaces on namespaces.id = members.namespace_id
    where members.user_id = ${userId} and members.access_level = ${ACCESS_LEVELS.owner} and ${IS_IN_FORCE}
      and not exists (
        select from members as other join users on users.id = other.user_id
        where other.namespace_id = any (namespaces.traversal_ids) and other.user_id <> ${userId}
          and other.access_level = ${ACCESS_LEVELS.owner} and other.expires_at is null
          and users.state = 'active' and not users.is_token_bot)
    order by namespaces.id limit 1`.execute(transaction);
  return found.rows[0]?.full_path ?? null;
}

/** Somebody who can act, and will be able to: not a bot, not blocked, with no day on which it ends. */
export async function hasOwner(transaction: Db, { traversalIds }: Namespace): Promise<boolean> {
  const row = await transaction
    .selectFrom("members")
    .innerJoin("users", "users.id", "members.user_id")
    .select("members.id")
    .where(sql<SqlBool>`members.namespace_id = any (${[...traversalIds]}::integer[])`)
    .where("members.access_level", "=", ACCESS_LEVELS.owner)
    .where("members.expires_at", "is", null)
    .where("users.state", "=", "active")
    .where("users.is_token_bot", "=", false)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
