import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { sql } from "kysely";
import { eyesOf, openTestStore } from "../../../../test/support/store.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import type { MemberSource, MemberStore, ProjectStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { ACCESS_LEVELS, accessLevel, may, mayIn, namespaceLevel } from "../domain/policy.ts";
import type { Namespace, Project } from "../domain/project.ts";
import type { Principal, User } from "../domain/user.ts";
import { refuseOnlyOwner } from "./last-owner.ts";
import { lockTree } from "./lock-tree.ts";
import { createMemberStore, isMemberOfNamespace, isMemberOfProject } from "./members.ts";
import { createNamespaceStore } from "./namespaces.ts";
import type { Db } from "./pool.ts";
import { createProjectStore } from "./projects.ts";
import { createUserStore } from "./users.ts";

const PAGE = { page: 1, perPage: 100 };
const LEVELS = Object.values(ACCESS_LEVELS).filter((level) => level > 0);

describe("members", () => {
  let db: Db;
  let members: MemberStore;
  let projects: ProjectStore;
  let ada: User;
  let bob: User;
  /** `top`, `top/middle`, `top/middle/low`, and `other`; then a project in each, and one of ada's. */
  const groups: Namespace[] = [];
  const all: Project[] = [];

  before(async () => {
    db = await openTestStore();
    members = createMemberStore(db);
    projects = createProjectStore(db);
    const users = createUserStore(db);
    const make = (username: string) =>
      users.create({
        ...{ username, name: username, email: `${username}@example.com` },
        ...{ isAdmin: false, passwordHash: null },
      });
    [ada, bob] = [await make("ada"), await make("bob")];
    const namespaces = createNamespaceStore(db);
    let parentId: number | null = null;
    for (const [path, visibility] of [
      ["top", "public"],
      ["middle", "internal"],
      ["low", "private"],
    ] as const) {
      const group: Namespace = await namespaces.createGroup({
        ...{ name: path, path, parentId, visibility, description: null },
      });
      groups.push(group);
      parentId = group.id;
    }
    groups.push(
      await namespaces.createGroup({
        ...{ name: "other", path: "other", parentId: null, visibility: "private", description: null },
      }),
    );
    const own = await namespaces.findByFullPath("ada");
    assert(own);
    for (const { id: namespaceId, visibility } of [...groups, own]) {
      all.push(
        await projects.create({
          ...{ namespaceId, name: "p", path: "p", description: null },
          ...{ visibility: visibility ?? "private", creatorId: ada.id },
        }),
      );
    }
  });
  after(() => db.destroy());

  const sources = (): readonly MemberSource[] => [
    ...groups.map((namespace) => ({ projectId: null, namespace })),
    ...all.map(({ id, namespace }) => ({ projectId: id, namespace })),
  ];

  it("reads of SQL and of the policy say the same, whatever somebody is a member of", async () => {
    const membership = fc.record({
      at: fc.nat({ max: 7 }),
      level: fc.constantFrom(...LEVELS),
      hasExpired: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(membership, { selector: ({ at }) => at, maxLength: 4 }),
        async (given) => {
          await db.deleteFrom("members").execute();
          for (const { at, level, hasExpired } of given) {
            const source = sources()[at];
            assert(source);
            const expiresAt = hasExpired ? "2020-01-01" : "2999-01-01";
            await members.add(source, { userId: bob.id, accessLevel: level, expiresAt, createdBy: ada.id });
          }
          const memberships = await members.membershipsOf(bob.id);
          assert.equal(memberships.length, given.filter(({ hasExpired }) => !hasExpired).length);
          const principal: Principal = { kind: "user", user: bob, memberships, token: null };

          const namespaces = createNamespaceStore(db);
          for (const leastLevel of [undefined, 10, 30, 50]) {
            const least = leastLevel === undefined ? {} : { leastLevel };
            const shown = await projects.list({ visibleTo: eyesOf(bob), ...least }, PAGE);
            assert.deepEqual(
              shown.items.map(({ id }) => id).sort(),
              all
                .filter((project) => may(principal, "read-project", project))
                .filter((project) => accessLevel(principal, project) >= (leastLevel ?? 0))
                .map(({ id }) => id)
                .sort(),
            );
            const known = await namespaces.list({ visibleTo: eyesOf(bob), kind: "group", ...least }, PAGE);
            assert.deepEqual(
              known.items.map(({ id }) => id),
              groups
                .filter((group) => mayIn(principal, "read-namespace", group))
                .filter((group) => namespaceLevel(principal, group) >= (leastLevel ?? 0))
                .map(({ id }) => id),
            );
          }
          // And the lists of members say it of each project.
          for (const project of all) {
            const source = { projectId: project.id, namespace: project.namespace };
            const listed = await members.list(source, { withInherited: true, userIds: [bob.id] }, PAGE);
            assert.equal(listed.items[0]?.accessLevel ?? 0, accessLevel(principal, project));
            const people = (await members.listPeople(source, 30)).map(({ id }) => id);
            assert.equal(people.includes(bob.id), accessLevel(principal, project) >= 30);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("are read once for a list, and not for each of its rows", async () => {
    const bobs = eyesOf(bob);
    const lists = [
      db
        .selectFrom("namespaces")
        .select("id")
        .where(isMemberOfNamespace(bobs, 10, { orBelow: true })),
      db.selectFrom("namespaces").select("id").where(isMemberOfNamespace(bobs, 30)),
      db
        .selectFrom("projects")
        .innerJoin("namespaces", "namespaces.id", "projects.namespace_id")
        .select("projects.id")
        .where(isMemberOfProject(bobs, 10)),
    ];
    for (const list of lists) {
      const [answer] = await list.explain<{ "QUERY PLAN": unknown }>("json", sql`analyze`);
      const loops = loopsOfReads(answer?.["QUERY PLAN"], "members");
      assert.notEqual(loops.length, 0);
      assert(
        loops.every((count) => count <= 1),
        `times that members were read: ${loops}`,
      );
    }
  });

  it("of a project in somebody's namespace count its owner, without a row", async () => {
    await db.deleteFrom("members").execute();
    const project = all.at(-1);
    assert(project);
    const source = { projectId: project.id, namespace: project.namespace };
    for (const withInherited of [false, true]) {
      const { items, total } = await members.list(source, { withInherited }, PAGE);
      assert.deepEqual(
        items.map(({ user, accessLevel: level, expiresAt }) => [user.id, level, expiresAt]),
        [[ada.id, 50, null]],
      );
      assert.equal(total, 1);
    }
    assert.deepEqual(await members.listPeople(source, 50), [ada]);
  });

  it("are once in a group or project, and never the last owner less", async () => {
    await db.deleteFrom("members").execute();
    const [top, middle] = sources();
    assert(top && middle);
    const owner = { accessLevel: 50, expiresAt: null, createdBy: ada.id };
    await members.add(top, { userId: ada.id, ...owner });
    const again = members.add(top, { userId: ada.id, ...owner });
    await assert.rejects(again, (error) => error instanceof HeliostatError && error.code === "conflict");
    await members.add(middle, { userId: bob.id, ...owner });
    assert.deepEqual(await members.findInherited(middle, ada.id), { accessLevel: 50, groupName: "top" });
    assert.equal(await members.findInherited(top, ada.id), null);
    // Above a group there is an owner: the one below may go. Not the one above.
    const asIfGone = (userId: number) =>
      db.transaction().execute((transaction) => refuseOnlyOwner(transaction, userId));
    await asIfGone(bob.id);
    await assert.rejects(asIfGone(ada.id), { code: "conflict", message: /only owner of the group top:/ });
    await members.change(middle, bob.id, { accessLevel: 10 });
    const isRefused = (error: unknown) => error instanceof HeliostatError && error.code === "forbidden";
    await assert.rejects(members.change(top, ada.id, { accessLevel: 40 }), isRefused);
    await assert.rejects(
      members.change(top, ada.id, { accessLevel: 50, expiresAt: "2999-01-01" }),
      isRefused,
    );
    await assert.rejects(members.remove(top, ada.id, { alsoBelow: true }), isRefused);
    assert.equal((await members.list(top, { withInherited: false }, PAGE)).items[0]?.accessLevel, 50);
    const nobody = (error: unknown) => error instanceof HeliostatError && error.code === "not-found";
    await assert.rejects(members.remove(top, bob.id, { alsoBelow: true }), nobody);
    await assert.rejects(members.change(top, bob.id, { accessLevel: 20 }), nobody);

    await members.add(top, { userId: bob.id, ...owner });
    // At the same moment somebody takes the role from ada, and is not done yet: bob's leaving waits for that, and is refused.
    let leaving: Promise<unknown> = Promise.resolve();
    await db.transaction().execute(async (transaction) => {
      await lockTree(transaction, top.namespace.id, "change");
      await transaction
        .updateTable("members")
        .set({ access_level: 40 })
        .where("user_id", "=", ada.id)
        .execute();
      let hasEnded = false;
      leaving = members.remove(top, bob.id, { alsoBelow: false }).then(
        () => assert.fail("the last owner has left"),
        (error: unknown) => assert(isRefused(error), String(error)),
      );
      void leaving
        .catch(() => undefined)
        .finally(() => {
          hasEnded = true;
        });
      const waits = sql<{ count: number }>`select count(*) as count from pg_locks where not granted`;
      await waitFor(async () => hasEnded || (await waits.execute(db)).rows[0]?.count !== 0, {
        message: "it waits for the lock",
      });
    });
    await leaving;
  });

  it("of what goes with a group above, what was in force is told, and nothing beside the group goes", async () => {
    await db.deleteFrom("members").execute();
    const [top, middle, low, other, inTop, inMiddle, inLow] = sources();
    assert(top && middle && low && other && inTop && inMiddle && inLow);
    for (const [source, userId, accessLevel, expiresAt] of [
      [top, ada.id, 50, null],
      [top, bob.id, 10, null],
      [middle, bob.id, 20, null],
      [low, bob.id, 30, "2020-01-01"],
      [other, bob.id, 40, null],
      [inTop, bob.id, 30, "2999-01-01"],
      [inMiddle, ada.id, 50, null],
      [inLow, bob.id, 40, null],
    ] as const) {
      await members.add(source, { userId, accessLevel, expiresAt, createdBy: ada.id });
    }
    const idOf = ({ projectId, namespace }: MemberSource) => projectId ?? namespace.id;
    assert.deepEqual(await members.remove(middle, bob.id, { alsoBelow: true }), [
      { kind: "project", id: idOf(inLow), fullPath: "top/middle/low/p", accessLevel: 40 },
    ]);
    await members.add(middle, { userId: bob.id, accessLevel: 20, expiresAt: null, createdBy: ada.id });
    assert.deepEqual(await members.remove(top, bob.id, { alsoBelow: true }), [
      { kind: "group", id: idOf(middle), fullPath: "top/middle", accessLevel: 20 },
      { kind: "project", id: idOf(inTop), fullPath: "top/p", accessLevel: 30 },
    ]);
    const left = await db.selectFrom("members").select(["user_id", "access_level"]).orderBy("id").execute();
    assert.deepEqual(left, [
      { user_id: ada.id, access_level: 50 },
      { user_id: bob.id, access_level: 40 },
      { user_id: ada.id, access_level: 50 },
    ]);
  });
});

/** How often each node of a plan that reads this table did so. */
function loopsOfReads(plan: unknown, table: string): number[] {
  if (Array.isArray(plan)) return plan.flatMap((part: unknown) => loopsOfReads(part, table));
  if (typeof plan !== "object" || plan === null) return [];
  const own =
    "Relation Name" in plan && plan["Relation Name"] === table && "Actual Loops" in plan
      ? [Number(plan["Actual Loops"])]
      : [];
  return [...own, ...Object.values(plan).flatMap((part: unknown) => loopsOfReads(part, table))];
}
