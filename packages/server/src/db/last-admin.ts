import { sql } from "kysely";
import { HeliostatError } from "../domain/errors.ts";
import type { Db } from "./pool.ts";

/** Any number will do, as long as nobody else takes it. */
const ADMINS = 1_004;

/**
 * For what may leave the instance without an admin who can act: `forbidden`, and nothing done, if it does. Two admins who
 * take the rights from each other at the same moment come one after the other here.
 */
export async function keepingAnAdmin<T>(transaction: Db, act: () => Promise<T>): Promise<T> {
  await sql`select pg_advisory_xact_lock(${ADMINS})`.execute(transaction);
  const hadAdmin = await hasAdmin(transaction);
  const done = await act();
  if (!hadAdmin || (await hasAdmin(transaction))) return done;
  throw new HeliostatError("forbidden", "The last admin stays one. Make somebody else an admin first.");
}

/** Somebody who can act: not blocked, not a bot. */
async function hasAdmin(transaction: Db): Promise<boolean> {
  const row = await transaction
    .selectFrom("users")
    .select("id")
    .where("is_admin", "=", true)
    .where("state", "=", "active")
    .where("bot_of_project_id", "is", null)
    .where("is_token_bot", "=", false)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
