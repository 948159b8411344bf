import { readdir, readFile } from "node:fs/promises";
import { sql } from "kysely";
import { HeliostatError } from "../domain/errors.ts";
import type { Db } from "./pool.ts";

const MIGRATIONS = new URL("./migrations/", import.meta.url);

/** Any number will do, as long as every node uses the same one. */
const MIGRATION_LOCK = 4_277_301;

/**
 * Brings the schema up to date, one transaction for each numbered file. Nodes that start together wait for each
 * other on an advisory lock. A database that is newer than this program is refused (`database-version`).
 */
export async function migrate(db: Db): Promise<readonly string[]> {
  const files = (await readdir(MIGRATIONS)).filter((name) => /^\d{6}\.sql$/.test(name)).sort();
  return await db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`.execute(connection);
    try {
      await sql`create table if not exists schema_migrations (
        version text primary key, applied_at timestamptz not null default now())`.execute(connection);
      const rows = await sql<{ version: string }>`select version from schema_migrations`.execute(connection);
      const applied = new Set(rows.rows.map((row) => row.version));
      const newer = [...applied].filter((version) => !files.includes(`${version}.sql`));
      if (newer.length > 0) {
        throw new HeliostatError(
          "database-version",
          `The database was migrated by a newer Heliostat (it has ${newer.join(", ")}). Start that version, or restore the backup from before the upgrade.`,
        );
      }
      const fresh = files.filter((name) => !applied.has(name.slice(0, 6)));
      for (const name of fresh) {
        const text = await readFile(new URL(name, MIGRATIONS), "utf8");
        await connection.transaction().execute(async (transaction) => {
          await sql.raw(text).execute(transaction);
          await sql`insert into schema_migrations (version) values (${name.slice(0, 6)})`.execute(
            transaction,
          );
        });
      }
      return fresh;
    } finally {
      await sql`select pg_advisory_unlock(${MIGRATION_LOCK})`.execute(connection);
    }
  });
}
