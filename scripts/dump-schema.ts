import { writeFile } from "node:fs/promises";
import { migrate } from "../packages/server/src/db/migrate.ts";
import { openDatabase } from "../packages/server/src/db/pool.ts";
import { describeSchema } from "../test/support/describe-schema.ts";
import { createTestDatabase } from "../test/support/postgres.ts";

/** Writes packages/server/src/db/schema.txt from the migrations, applied to an empty database. */
const database = await createTestDatabase();
const db = openDatabase(database.connection, { onIdleError: console.error });
await migrate(db);
await writeFile(
  new URL("../packages/server/src/db/schema.txt", import.meta.url),
  await describeSchema(db.withTables<never>()),
);
await db.destroy();
await database.drop();
process.exit(0);
