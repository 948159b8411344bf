import assert from "node:assert/strict";
import { test } from "node:test";
import { incomingLimits, refuseTooManyRefs, repositoryTooLarge, roomFor } from "./incoming-limits.ts";

const INSTANCE = {
  repositorySizeLimit: 0,
  maxRefs: 10,
  fsckSeverity: "off",
  maxFileSize: 0,
  maxPushSize: 0,
} as const;
const NONE = {
  repositorySizeLimit: null,
  maxRefs: null,
  fsckSeverity: null,
  maxFileSize: null,
  maxPushSize: null,
} as const;

test("a project's limit goes before the instance's, and 0 bytes are no limit", () => {
  assert.deepEqual(incomingLimits(NONE, INSTANCE), {
    ...{ repositoryBytes: null, refs: 10, fsck: "off", fileBytes: null, pushBytes: null },
  });
  assert.deepEqual(
    incomingLimits(
      { repositorySizeLimit: 5, maxRefs: 3, fsckSeverity: "off", maxFileSize: 0, maxPushSize: 8 },
      { repositorySizeLimit: 7, maxRefs: 10, fsckSeverity: "warn", maxFileSize: 9, maxPushSize: 9 },
    ),
    { repositoryBytes: 5, refs: 3, fsck: "off", fileBytes: null, pushBytes: 8 },
  );
  const unlimited = incomingLimits(
    { ...NONE, repositorySizeLimit: 0 },
    { ...INSTANCE, repositorySizeLimit: 7 },
  );
  assert.equal(unlimited.repositoryBytes, null);
});

test("the room that is left is never less than nothing", () => {
  const limits = incomingLimits(NONE, { ...INSTANCE, repositorySizeLimit: 100 });
  assert.deepEqual([roomFor(limits, 40), roomFor(limits, 140)], [60, 0]);
  assert.equal(roomFor(incomingLimits(NONE, INSTANCE), 1e12), null);
  assert.match(repositoryTooLarge(5 * 1024 * 1024).message, /its limit is 5\.00 MiB/);
});

test("only what creates refs is refused for their number", () => {
  const refuse = (here: number, created: number, deleted: number) => () =>
    refuseTooManyRefs({ refs: 10 }, { here, created, deleted });
  refuse(9, 1, 0)();
  refuse(10, 3, 3)();
  refuse(20, 0, 1)();
  assert.throws(refuse(10, 1, 0), { code: "too-many-refs", message: /would have 11 .* may have 10\b/ });
  assert.throws(refuse(20, 1, 2), { code: "too-many-refs" });
});
