import type { Db } from "./pool.ts";

/** Runs `work` in the transaction that `db` is, or else in one of its own. */
export async function inTransaction<T>(db: Db, work: (transaction: Db) => Promise<T>): Promise<T> {
  return db.isTransaction ? await work(db) : await db.transaction().execute(work);
}
