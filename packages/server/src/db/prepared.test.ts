import assert from "node:assert/strict";
import { it } from "node:test";
import { sql } from "kysely";
import { openTestStore } from "../../../../test/support/store.ts";
import { createTokenStore } from "./access-tokens.ts";
import { createMemberStore } from "./members.ts";
import { createProjectStore } from "./projects.ts";
import { createUserStore } from "./users.ts";

it("who asks, and for which project, is read by plans that outlive what a newer version adds", async () => {
  const db = await openTestStore();
  try {
    const [users, tokens, projects] = [createUserStore(db), createTokenStore(db), createProjectStore(db)];
    const person = { username: "ada", name: "Ada", email: "ada@example.com" };
    const user = await users.create({ ...person, isAdmin: false, passwordHash: null });
    const home = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
    const draft = { namespaceId: home.id, name: "Engine", path: "engine", description: null };
    const project = await projects.create({ ...draft, visibility: "private", creatorId: user.id });
    const digest = Buffer.alloc(32, 1);
    const token = await tokens.create({
      ...{ userId: user.id, name: "t", description: null, digest, scopes: ["api"] },
      ...{ expiresAt: null, createdBy: user.id },
    });
    const look = async () => {
      assert.deepEqual(await projects.find(project.id), project);
      assert.deepEqual(await projects.findByFullPath("ADA/Engine"), project);
      assert.deepEqual((await projects.findAll([project.id]))[0], project);
      const found = await tokens.findByDigest(digest);
      assert.deepEqual([found?.token, found?.user], [token, user]);
      assert.deepEqual(found?.memberships, await createMemberStore(db).membershipsOf(user.id));
      return found?.memberships.map(({ accessLevel }) => accessLevel);
    };
    assert.deepEqual(await look(), []);
    const member = { project_id: project.id, namespace_id: null, user_id: user.id, created_by: null };
    await db
      .insertInto("members")
      .values({ ...member, access_level: 30, expires_at: null })
      .execute();
    for (let times = 0; times < 6; times += 1) assert.deepEqual(await look(), [30]);
    for (const table of ["users", "access_tokens", "projects", "namespaces", "members"]) {
      await sql`alter table ${sql.table(table)} add column added_later text`.execute(db);
    }
    assert.deepEqual(await look(), [30]);
    await db.updateTable("members").set({ expires_at: "2020-01-01" }).execute();
    assert.deepEqual(await look(), []);
    await db.updateTable("access_tokens").set({ revoked: true }).execute();
    assert.equal((await tokens.findByDigest(digest))?.token.revoked, true);
  } finally {
    await db.destroy();
  }
});
