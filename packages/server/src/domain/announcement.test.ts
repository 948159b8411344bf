import assert from "node:assert/strict";
import test from "node:test";
import { readAnnouncement } from "./announcement.ts";

const change = (...refs: string[]) => ({ kind: "change", refs });
const UNKNOWN = { kind: "change", refs: null };

test("the refs are read as each forge names them", () => {
  for (const [event, body, told] of [
    ["push", { ref: "refs/heads/a", before: "1", after: "2" }, change("refs/heads/a")],
    ["Tag Push Hook", { ref: "refs/tags/v1", before: "0", after: "2" }, change("refs/tags/v1")],
    ["create", { ref: "a/b", ref_type: "branch" }, change("refs/heads/a/b")],
    ["delete", { ref: "v1", ref_type: "tag" }, change("refs/tags/v1")],
    [
      "repo:push",
      {
        push: {
          changes: [
            { old: { type: "branch", name: "a" }, new: null },
            { old: null, new: { type: "tag", name: "v" } },
          ],
        },
      },
      change("refs/heads/a", "refs/tags/v"),
    ],
    ["repo:refs_changed", { changes: [{ refId: "refs/heads/a", type: "UPDATE" }] }, change("refs/heads/a")],
    ["System Hook", { changes: [{ ref: "refs/heads/a" }, { ref: "refs/heads/a" }] }, change("refs/heads/a")],
  ] as const) {
    assert.deepEqual(readAnnouncement(event, body), told, event);
  }
});

test("what cannot be read whole counts as any ref", () => {
  for (const body of [
    null,
    undefined,
    [],
    "refs/heads/a",
    {},
    { ref: null },
    { ref: "a" },
    { ref: "refs/heads/a b" },
    { ref: "a", ref_type: "repository" },
    { push: { changes: [] } },
    { push: { changes: [{}] } },
    { push: { changes: [{ new: { type: "branch", name: "a" } }, { new: { type: "bookmark", name: "b" } }] } },
    { changes: [{ refId: "refs/heads/a" }, 7] },
    Object.create({ ref: "refs/heads/a" }),
  ]) {
    assert.deepEqual(readAnnouncement("push", body), UNKNOWN, JSON.stringify(body));
  }
});

test("a test is known by its event, or by a push from a commit to itself", () => {
  assert.deepEqual(readAnnouncement("ping", {}), { kind: "test" });
  assert.deepEqual(readAnnouncement("diagnostics:ping", { test: true }), { kind: "test" });
  assert.deepEqual(readAnnouncement("push", { ref: "refs/heads/a", before: "1", after: "1" }), {
    kind: "test",
  });
  assert.deepEqual(readAnnouncement(null, {}), UNKNOWN);
});

test("talk is told from what may move a ref, and what is not known may", () => {
  for (const event of [
    "issues",
    "issue_comment",
    "Note Hook",
    "Pipeline Hook",
    "workflow_run",
    "pr:comment:added",
  ]) {
    assert.deepEqual(readAnnouncement(event, {}), { kind: "talk" }, event);
  }
  for (const event of [
    "push",
    "create",
    "delete",
    "release",
    "pull_request",
    "Merge Request Hook",
    "repo:push",
    "new",
  ]) {
    assert.deepEqual(readAnnouncement(event, {}), UNKNOWN, event);
  }
});
