import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { HeliostatError } from "../domain/errors.ts";
import type { Database } from "./schema.ts";

/** How to reach PostgreSQL: a URL, or the socket directory of the embedded one. */
export type DatabaseConnection =
  | { readonly connectionString: string }
  | { readonly host: string; readonly user: string; readonly database: string };

export type Db = Kysely<Database>;

const INT8 = 20;

/** Opens the pool that all stores share. `destroy()` on the result closes it. */
export function openDatabase(
  connection: DatabaseConnection,
  options: { onIdleError: (error: Error & { readonly code?: string }) => void; max?: number },
): Db {
  const pool = new pg.Pool({
    ...connection,
    max: options.max ?? 8,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    application_name: "heliostat",
    types: {
      // Our 64-bit columns are counters and ids that stay far below 2^53.
      getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
    },
  });
  // An idle connection may die with its server; the pool replaces it, but an unheard 'error' ends the process.
  pool.on("error", options.onIdleError);
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  pools.set(db, pool);
  return db;
}

const pools = new WeakMap<Db, pg.Pool>();

/** The connections of an open database; null for a transaction, which has its own. */
export function findPool(db: Db): pg.Pool | null {
  return pools.get(db) ?? null;
}

/** Resolves when the database answers; `database-unavailable` with its reason, for whoever gave the URL, when not. */
export async function requireDatabase(db: Db): Promise<void> {
  try {
    await sql`select 1`.execute(db);
  } catch (error) {
    // Where a name has several addresses, each fails with a reason of its own, and the whole has none.
    const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
    const reason = first instanceof Error ? first.message : String(first);
    throw new HeliostatError("database-unavailable", `The database cannot be used: ${reason}`, {
      cause: error,
    });
  }
}
