import { sql } from "kysely";
import type { Db } from "./pool.ts";

/** Any number will do, as long as nobody else takes it. */
const SEALING = 1_003;

/**
 * Tells changes of the keys that this transaction is about to seal secrets: call it before the first one is sealed. What
 * it seals is seen by nobody before its end, so that its key would seem to seal nothing.
 */
export async function beginSealing(transaction: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${SEALING})`.execute(transaction);
}

/** Waits for the transactions that may have sealed with the key of before, on any node; later ones find the new one. */
export async function waitForSealing(db: Db): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${SEALING})`.execute(transaction);
  });
}
