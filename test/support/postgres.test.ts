import assert from "node:assert/strict";
import test from "node:test";
import { Client } from "pg";
import { createTestDatabase, startTestPostgres } from "./postgres.ts";

async function query(config: ConstructorParameters<typeof Client>[0], sql: string): Promise<unknown[]> {
  const client = new Client(config);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

let preparations = 0;
async function prepare(template: ConstructorParameters<typeof Client>[0]): Promise<void> {
  preparations += 1;
  await query(template, "CREATE TABLE things (id int); INSERT INTO things VALUES (1)");
}

test("test databases are copies of what was prepared once, and do not see each other", async () => {
  const [first, second] = await Promise.all([createTestDatabase(prepare), createTestDatabase(prepare)]);
  await query(first.connection, "INSERT INTO things VALUES (2)");
  assert.deepEqual(await query(first.connection, "SELECT id FROM things ORDER BY id"), [
    { id: 1 },
    { id: 2 },
  ]);
  assert.deepEqual(await query(second.connection, "SELECT id FROM things"), [{ id: 1 }]);
  assert.equal(preparations, 1);
});

test("a test database is reached by its URL too, and is gone when dropped", async () => {
  const database = await createTestDatabase();
  const [row] = await query(
    { connectionString: database.url },
    "SELECT current_database() AS name, current_user AS role",
  );
  assert.deepEqual(row, { name: database.connection.database, role: "heliostat" });
  await database.drop();
  await assert.rejects(query(database.connection, "SELECT 1"), /does not exist/);
});

test("the test cluster does not sync", async () => {
  const { connection } = await startTestPostgres();
  assert.deepEqual(await query(connection, "SHOW fsync"), [{ fsync: "off" }]);
});
