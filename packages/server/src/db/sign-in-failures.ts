import { sql } from "kysely";
import type { SignInFailureStore } from "../app/ports.ts";
import type { FailureCount } from "../domain/sign-in-throttle.ts";
import { createSlots } from "../slots.ts";
import type { Db } from "./pool.ts";

/** An address that signs in often is written at most this often. */
const REMEMBER_EVERY_MS = 24 * 3600_000;

/** Counts of failed sign-ins, changed under a lock for each key, so that no two nodes count past each other. */
export function createSignInFailureStore(db: Db): SignInFailureStore {
  // Tries that wait for each other's locks must not hold all connections.
  const slots = createSlots(2);
  return {
    async read(key) {
      return (await readCounts(db, [key])).get(key) ?? null;
    },
    async change(keys, decide) {
      const giveBack = await slots.take();
      try {
        await db.transaction().execute(async (transaction) => {
          // Locks, because rows that are not there cannot be; in one order, so that no two wait for each other.
          await sql`
            select pg_advisory_xact_lock(${LOCKS}, hash)
            from (select distinct hashtext(key) as hash from unnest(${[...keys]}::text[]) as key order by 1) as hashes
          `.execute(transaction);
          for (const [key, count] of decide(await readCounts(transaction, keys))) {
            await write(transaction, key, count);
          }
        });
      } finally {
        giveBack();
      }
    },
    async isKnownAddress(userId, network, since) {
      const row = await db
        .selectFrom("sign_in_addresses")
        .select("user_id")
        .where("user_id", "=", userId)
        .where("network", "=", network)
        .where("last_at", ">", since)
        .executeTakeFirst();
      return row !== undefined;
    },
    async rememberAddress(userId, network, now) {
      await db
        .insertInto("sign_in_addresses")
        .values({ user_id: userId, network, last_at: now })
        .onConflict((conflict) =>
          conflict
            .columns(["user_id", "network"])
            .doUpdateSet({ last_at: now })
            .where("sign_in_addresses.last_at", "<", new Date(now.getTime() - REMEMBER_EVERY_MS)),
        )
        .execute();
    },
    async removeOld({ failures, addresses }) {
      const counts = await db
        .deleteFrom("sign_in_failures")
        .where("last_at", "<", failures)
        .where((where) =>
          where.or([where("blocked_until", "is", null), where("blocked_until", "<", failures)]),
        )
        .executeTakeFirst();
      const known = await db
        .deleteFrom("sign_in_addresses")
        .where("last_at", "<", addresses)
        .executeTakeFirst();
      return Number(counts.numDeletedRows + known.numDeletedRows);
    },
  };
}

/** The first half of the keys of these locks; any number that is nobody else's. */
const LOCKS = 7_214;

async function readCounts(from: Db, keys: readonly string[]): Promise<ReadonlyMap<string, FailureCount>> {
  const rows = await from.selectFrom("sign_in_failures").selectAll().where("key", "in", keys).execute();
  return new Map(
    rows.map((row) => [
      row.key,
      {
        failures: row.failures,
        firstAt: row.first_at,
        lastAt: row.last_at,
        blockedUntil: row.blocked_until,
      },
    ]),
  );
}

async function write(into: Db, key: string, count: FailureCount | null): Promise<void> {
  if (count === null) {
    await into.deleteFrom("sign_in_failures").where("key", "=", key).execute();
    return;
  }
  const row = {
    failures: count.failures,
    first_at: count.firstAt,
    last_at: count.lastAt,
    blocked_until: count.blockedUntil,
  };
  await into
    .insertInto("sign_in_failures")
    .values({ key, ...row })
    .onConflict((conflict) => conflict.column("key").doUpdateSet(row))
    .execute();
}
