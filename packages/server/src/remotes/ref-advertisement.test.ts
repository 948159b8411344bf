import assert from "node:assert/strict";
import { test } from "node:test";
import { type Advertisement, createAdvertisementReader } from "./ref-advertisement.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const SERVICE = ["# service=git-upload-pack", null];

/** Lines; null is a flush. */
function read(lines: readonly (string | null)[], hasServiceLine = false): Advertisement | null {
  const reader = createAdvertisementReader({ hasServiceLine, maxRefs: 100 });
  for (const line of lines) {
    if (line === null) reader.control("flush");
    else reader.line(line);
  }
  return reader.result();
}

function refsOf(advertisement: Advertisement | null) {
  assert.ok(advertisement !== null && advertisement.version !== 2);
  return advertisement.listed.advertised;
}

test("protocol 0 and 1: refs, peeled tags, HEAD, shallow lines", () => {
  const body = [
    `${A} HEAD\0multi_ack symref=HEAD:refs/heads/main symref=refs/heads/alias:refs/heads/main object-format=sha1 agent=git/2`,
    `${A} refs/heads/alias`,
    `${A} refs/heads/main`,
    `${A} refs/pull/1/head`,
    `${B} refs/tags/v1`,
    `${A} refs/tags/v1^{}`,
    `shallow ${B}`,
    null,
  ];
  for (const lines of [body, ["version 1", ...body]]) {
    assert.deepEqual(refsOf(read(lines)), {
      objectFormat: "sha1",
      head: "refs/heads/main",
      refs: new Map<string, object>([
        ["refs/heads/alias", { oid: A, symref: "refs/heads/main" }],
        ["refs/heads/main", { oid: A }],
        ["refs/tags/v1", { oid: B, peeled: A }],
      ]),
    });
  }
  assert.equal(read([...SERVICE, "version 1", ...body], true)?.version, 1);
});

test("protocol 0: an empty repository, with capabilities and, as old servers have it, without", () => {
  const empty = { objectFormat: "sha1", head: null, refs: new Map() };
  assert.deepEqual(refsOf(read([`${"0".repeat(40)} capabilities^{}\0agent=git/2`, null])), empty);
  assert.deepEqual(refsOf(read([null])), empty);
  assert.deepEqual(refsOf(read([...SERVICE, null], true)), empty);
  const sha256 = refsOf(read([`${"0".repeat(64)} capabilities^{}\0object-format=sha256`, null]));
  assert.equal(sha256.objectFormat, "sha256");
});

test("a peeled line without its tag before it changes nothing", () => {
  const { refs } = refsOf(read([`${A} refs/tags/a\0`, `${A} refs/heads/b`, `${B} refs/tags/a^{}`, null]));
  assert.deepEqual([...refs.values()], [{ oid: A }, { oid: A }]);
});

test("protocol 2: capabilities", () => {
  const lines = ["version 2", "agent=git/2", "ls-refs=unborn", "fetch=shallow", "object-format=sha256", null];
  const capabilities = {
    objectFormat: "sha256",
    takesAgent: true,
    takesObjectFormat: true,
    tellsUnborn: true,
  };
  assert.deepEqual(read(lines), { version: 2, capabilities });
  assert.deepEqual(read([...SERVICE, ...lines], true), { version: 2, capabilities });
  // Some servers leave the service line out in v2.
  assert.deepEqual(read(lines, true), { version: 2, capabilities });
  assert.deepEqual(read(["version 2", "ls-refs", null]), {
    version: 2,
    capabilities: { objectFormat: "sha1", takesAgent: false, takesObjectFormat: false, tellsUnborn: false },
  });
});

test("nothing is a result before its flush", () => {
  for (const lines of [["version 2", "ls-refs"], [`${A} refs/heads/x\0`], ["version 1"], []])
    assert.equal(read(lines), null);
});

test("refuses what no git says", () => {
  const cases: readonly (readonly [readonly (string | null)[], boolean])[] = [
    [["# service=git-receive-pack", null], true],
    [[null], true],
    [["# service=git-upload-pack", "version 2"], true],
    [["version 1", "version 1"], false],
    [["version 1", null], false],
    [["version 3"], false],
    [["version 2", "fetch", null], false],
    [["hello"], false],
    [[`${A} refs/heads/x`, null, null], false],
    [["version 2", "ls-refs", null, "more"], false],
  ];
  for (const [lines, hasServiceLine] of cases) {
    assert.throws(() => read(lines, hasServiceLine), { code: "remote-not-git" }, JSON.stringify(lines));
  }
  assert.throws(() => read(["version 2", "ls-refs", "object-format=sha512", null]), {
    code: "object-format-mismatch",
  });
});
