import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { sql } from "kysely";
import { describeSchema } from "../../../../test/support/describe-schema.ts";
import { createTestDatabase, type TestDatabase } from "../../../../test/support/postgres.ts";
import { HeliostatError } from "../domain/errors.ts";
import { migrate } from "./migrate.ts";
import { type Db, openDatabase } from "./pool.ts";

let database: TestDatabase;
let db: Db;

before(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.connection, { onIdleError: assert.ifError });
});
after(async () => {
  await db.destroy();
});

describe("the migrations", () => {
  it("run once, also when several servers start together on an empty database", async () => {
    const others = Array.from({ length: 3 }, () =>
      openDatabase(database.connection, { onIdleError: assert.ifError }),
    );
    const runs = await Promise.all([db, ...others].map(migrate));
    await Promise.all(others.map((other) => other.destroy()));
    assert.deepEqual(runs.flat(), ["000001.sql", "000002.sql", "000003.sql", "000004.sql", "000005.sql"]);
    assert.deepEqual(await migrate(db), []);
  });

  it("make the schema that schema.txt shows (npm run schema writes it)", async () => {
    const written = await readFile(new URL("./schema.txt", import.meta.url), "utf8");
    assert.equal(await describeSchema(db.withTables<never>()), written);
  });

  it("refuse a database that a newer program migrated, and leave it alone", async () => {
    await sql`insert into schema_migrations (version) values ('999999')`.execute(db);
    await assert.rejects(
      migrate(db),
      (error: unknown) =>
        error instanceof HeliostatError && error.code === "database-version" && /999999/.test(error.message),
    );
    await sql`delete from schema_migrations where version = '999999'`.execute(db);
  });
});
