import { Client } from "pg";
import type { TestDatabase } from "./postgres.ts";

/** Makes somebody a member of a project, in the database itself; what they were before is gone. */
export async function storeMember(
  database: TestDatabase,
  member: { readonly userId: number; readonly projectId: number; readonly level: number },
): Promise<void> {
  const client = new Client(database.connection);
  await client.connect();
  try {
    await client.query("delete from members where user_id = $1 and project_id = $2", [
      member.userId,
      member.projectId,
    ]);
    await client.query("insert into members (user_id, project_id, access_level) values ($1, $2, $3)", [
      member.userId,
      member.projectId,
      member.level,
    ]);
  } finally {
    await client.end();
  }
}
