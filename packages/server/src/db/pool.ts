import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
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
  options: { onIdleError: (error: Error) => void; max?: number },
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
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}
