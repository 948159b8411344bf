import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openTestStore } from "../../../../test/support/store.ts";
import type { ProtectedTagStore } from "../app/ports.ts";
import type { Db } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { createProtectedTagStore } from "./protected-tags.ts";
import { createUserStore } from "./users.ts";

let db: Db;
let tags: ProtectedTagStore;
let projects: readonly number[] = [];
let adaId = 0;

const role = (level: number) => [{ kind: "role", level } as const];

before(async () => {
  db = await openTestStore();
  tags = createProtectedTagStore(db);
  const ada = { username: "ada", name: "Ada", email: "ada@example.com", isAdmin: false, passwordHash: null };
  const user = await createUserStore(db).create(ada);
  adaId = user.id;
  const namespace = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
  const rest = { namespaceId: namespace.id, description: null, visibility: "private" } as const;
  const made = ["p", "q"].map((name) =>
    createProjectStore(db).create({ ...rest, name, path: name, creatorId: user.id }),
  );
  projects = (await Promise.all(made)).map(({ id }) => id);
});

after(async () => {
  await db.destroy();
});

describe("the rules for protected tags", () => {
  it("are of one project each, in the order in which they were made, until they are removed", async () => {
    const [p = 0, q = 0] = projects;
    await tags.create(p, "v*", role(0));
    await tags.create(p, "a", [...role(30), ...role(30), { kind: "user", id: adaId }]);
    await tags.create(q, "v*", role(40));
    assert.deepEqual(
      (await tags.list(p)).map(({ projectId, name, create }) => [
        projectId,
        name,
        create.map((entry) => [entry.grantee, entry.name]),
      ]),
      [
        [p, "v*", [[{ kind: "role", level: 0 }, null]]],
        [
          p,
          "a",
          [
            [{ kind: "role", level: 30 }, null],
            [{ kind: "user", id: adaId }, "Ada"],
          ],
        ],
      ],
    );
    await assert.rejects(tags.create(p, "v*", role(40)), {
      code: "conflict",
      message: "Protected tag 'v*' already exists",
    });
    assert.equal(await tags.remove(p, "v*"), true);
    assert.equal(await tags.remove(p, "v*"), false);
    assert.deepEqual(
      [(await tags.list(p)).map(({ name }) => name), (await tags.list(q)).map(({ name }) => name)],
      [["a"], ["v*"]],
    );
  });

  it("take no level that GitLab does not have", async () => {
    await assert.rejects(tags.create(projects[0] ?? 0, "x", role(20)));
  });
});
