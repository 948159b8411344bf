import assert from "node:assert/strict";
import { test } from "node:test";
import { createLsRefsReader, encodeLsRefs } from "./ls-refs.ts";
import type { Capabilities } from "./ref-advertisement.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const PLAIN: Capabilities = {
  objectFormat: "sha1",
  takesAgent: false,
  takesObjectFormat: false,
  tellsUnborn: false,
};

function read(lines: readonly string[], capabilities = PLAIN, maxRefs = 100) {
  const reader = createLsRefsReader(capabilities, maxRefs);
  for (const line of lines) reader.line(line);
  assert.equal(reader.result(), null, "complete before its flush");
  reader.control("flush");
  const listed = reader.result();
  assert.ok(listed !== null);
  return { ...listed, names: [...listed.advertised.refs.keys()] };
}

test("asks only for what the remote offers", () => {
  const asked = "0014command=ls-refs\n00010009peel\n000csymrefs\n0014ref-prefix HEAD\n";
  const prefixes = "001bref-prefix refs/heads/\n001aref-prefix refs/tags/\n0000";
  assert.equal(encodeLsRefs(PLAIN, "git/x"), asked + prefixes);
  const full = encodeLsRefs(
    { objectFormat: "sha256", takesAgent: true, takesObjectFormat: true, tellsUnborn: true },
    "git/1 (a b)",
  );
  assert.match(full, /^0014command=ls-refs\n0015agent=git\/1-\(a-b\)0018object-format=sha2560001/);
  assert.match(full, /000bunborn\n/);
});

test("reads every attribute, in any order, and passes over unknown ones", () => {
  const { advertised } = read([
    `${A} HEAD symref-target:refs/heads/main`,
    `${A} refs/heads/main`,
    `${A} refs/heads/alias symref-target:refs/heads/main`,
    `${B} refs/tags/v1 future:x peeled:${A}`,
  ]);
  assert.deepEqual(advertised, {
    objectFormat: "sha1",
    head: "refs/heads/main",
    refs: new Map<string, object>([
      ["refs/heads/main", { oid: A }],
      ["refs/heads/alias", { oid: A, symref: "refs/heads/main" }],
      ["refs/tags/v1", { oid: B, peeled: A }],
    ]),
  });
});

test("a hostile server injects no ref: bad names and other places are left out", () => {
  const bad = [
    "refs/heads/../../config",
    "refs/heads/a..b",
    "refs/heads/.hidden",
    "refs/heads/x.lock",
    "refs/heads/with\ttab",
    "refs/heads/with\0nul",
    "refs/heads/a~1",
    "refs/heads/a:b",
    "refs/heads/",
    "refs/heads//x",
    "refs/heads/x/",
    "refs/heads/\xff",
    "refs/heads/\xed\xa0\x80",
    "refs/heads/\xc0\xaf",
  ];
  const elsewhere = [
    "refs/heads",
    "refs/pull/1/head",
    "refs/heliostat/x",
    "--upload-pack=x",
    "refs/tagsx/v1",
    "",
  ];
  const { names, skipped, example } = read(
    [...bad, ...elsewhere, "refs/heads/good"].map((name) => `${A} ${name}`),
  );
  assert.deepEqual(names, ["refs/heads/good"]);
  assert.equal(skipped, bad.length);
  assert.equal(example, '"refs/heads/../../config"');
});

test("a symref to a bad name is left out, a HEAD that is no branch is none", () => {
  const { names, skipped } = read([`${A} refs/heads/x symref-target:refs/heads/../y`, `${A} refs/heads/z`]);
  assert.deepEqual(names, ["refs/heads/z"]);
  assert.equal(skipped, 1);
  for (const target of ["refs/tags/v1", "refs/heads/..", "HEAD", ""]) {
    assert.equal(read([`${A} HEAD symref-target:${target}`]).advertised.head, null, target);
  }
});

test("a broken ref has the null oid: left out and named, its neighbours stay", () => {
  const none = "0".repeat(40);
  const { names, skipped, advertised } = read([
    `${none} refs/heads/broken`,
    `${none} refs/heads/..`,
    `${none} refs/pull/1/head`,
    `${A} refs/heads/astray symref-target:refs/heads/../y`,
    `${A} refs/heads/whole`,
  ]);
  assert.deepEqual(names, ["refs/heads/whole"]);
  assert.deepEqual([...(advertised.broken ?? [])], ["refs/heads/broken", "refs/heads/astray"]);
  assert.deepEqual([skipped, advertised.unusable], [3, 1]);
});

test("refuses what no git says", () => {
  const cases: readonly (readonly string[])[] = [
    [`${A} refs/heads/x`, `${B} refs/heads/x`],
    [`${A.slice(1)} refs/heads/x`],
    [`${"a".repeat(64)} refs/heads/x`],
    [`${A.toUpperCase()} refs/heads/x`],
    [`${A} refs/tags/x peeled:zzz`],
    [A],
    [""],
    ["<html> hello"],
  ];
  for (const lines of cases) assert.throws(() => read(lines), { code: "remote-not-git" }, lines[0]);
  const { line, control } = createLsRefsReader(PLAIN, 1);
  assert.throws(() => control("delim"), { code: "remote-not-git" });
  control("flush");
  assert.throws(() => line(`${A} refs/heads/late`), { code: "remote-not-git" });
  assert.throws(() => control("flush"), { code: "remote-not-git" });
});

test("has a limit for refs, and one for unusable refs", () => {
  const many = (count: number, name: string) =>
    Array.from({ length: count }, (_, i) => `${A} refs/heads/${name}${i}`);
  assert.equal(read(many(100, "x")).names.length, 100);
  assert.throws(() => read(many(101, "x")), { code: "too-many-refs", message: /more than 100 refs/ });
  assert.throws(() => read(many(10_001, "..")), { code: "remote-not-git", message: /10000 unusable refs/ });
});

test("names come back to git byte for byte", () => {
  const bytes = Buffer.from("refs/heads/\ufeffgrüße/日本語-🔭/e\u0301", "utf8");
  const { names } = read([`${A} ${bytes.toString("latin1")}`]);
  assert.deepEqual(Buffer.from(names[0] ?? ""), bytes);
});
