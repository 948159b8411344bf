import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openMirrorStore, seconds, success, T0 } from "./mirror-store.test-support.ts";
import { createProjectStore } from "./projects.ts";

const { db, mirrors, userId, projectId, createMirror, historyOf } = await openMirrorStore();

describe("a change of a project's mirrors", () => {
  it("is not found where the project was removed meanwhile, and holds the removal up while it lasts", async () => {
    const projects = createProjectStore(db);
    const there = (await projects.find(projectId)) ?? assert.fail();
    const { id } = await projects.create({
      namespaceId: there.namespace.id,
      name: "gone",
      path: "gone",
      description: null,
      visibility: "private",
      creatorId: userId,
    });
    let removal: Promise<void> | undefined;
    let isRemoved = false;
    await mirrors.changeMirrorsOf(id, async (editor) => {
      removal = projects.remove(id).then(() => {
        isRemoved = true;
      });
      await createMirror();
      await editor.listOf(id);
      assert.equal(isRemoved, false);
    });
    await removal;
    await assert.rejects(
      mirrors.changeMirrorsOf(id, async () => assert.fail("there is nothing to change")),
      { code: "not-found", message: "Project Not Found" },
    );
  });
});

describe("a pull mirror that is changed while it runs", () => {
  it("reads as waiting without the error of the run under its old settings, which the history keeps", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(id, "manual", seconds(0));
    const lease = await mirrors.startUpdate(id, seconds(1), seconds(30));
    assert.ok(lease);
    await mirrors.update(id, { clearsError: true });
    await mirrors.requestUpdate(id, "configured", seconds(2));
    const failure = { status: "failed", error: "refused", appliedDigest: null, retryCount: 1 } as const;
    await mirrors.finishUpdate(lease, success(seconds(3), failure));
    const mirror = await mirrors.find(id);
    assert.deepEqual([mirror?.updateStatus, mirror?.lastError], ["scheduled", null]);
    assert.equal((await historyOf(id))[0]?.error, "refused");
  });
});

describe("a mirror whose settings were changed", () => {
  it("shows no error of a run of the settings before, also of one that ended just before the wish", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(id, "configured", T0);
    const lease = (await mirrors.startUpdate(id, T0, seconds(30))) ?? assert.fail();
    await mirrors.update(id, { clearsError: true });
    await mirrors.finishUpdate(lease, success(seconds(1), { status: "failed", error: "refused" }));
    assert.equal((await mirrors.find(id))?.lastError, "refused");
    await mirrors.requestUpdate(id, "configured", seconds(2));
    const mirror = await mirrors.find(id);
    assert.deepEqual([mirror?.updateStatus, mirror?.lastError], ["scheduled", null]);
  });
});

describe("a mirror that is switched off while it waits", () => {
  it("reads as its last run left it, and waits again when it is switched on and asked for", async () => {
    const { id } = await createMirror({ direction: "pull" });
    await mirrors.requestUpdate(id, "manual", seconds(0));
    assert.equal((await mirrors.find(id))?.updateStatus, "scheduled");
    assert.equal((await mirrors.update(id, { enabled: false })).updateStatus, "none");

    await mirrors.update(id, { enabled: true });
    const lease = await mirrors.startUpdate(id, seconds(1), seconds(30));
    assert.ok(lease);
    await mirrors.finishUpdate(lease, success(seconds(2)));
    await mirrors.requestUpdate(id, "manual", seconds(3));
    assert.equal((await mirrors.find(id))?.updateStatus, "scheduled");
    assert.equal((await mirrors.update(id, { enabled: false })).updateStatus, "finished");
  });
});
