import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../../../../../test/support/repositories.ts";
import type { Asker, TakePlace } from "../../app/ports.ts";
import { parseOid } from "../../domain/oid.ts";
import { createBrowsing } from "./browsing.ts";

const asker: Asker = { client: "somebody", signal: new AbortController().signal };
const anyPlace: TakePlace = async () => () => {};
const dir = await makeTempDir({ after });
const browsing = createBrowsing({ log: makeMemoryLog(), takePlace: anyPlace });
after(() => browsing.close());

const data = (body: string) => `data ${Buffer.byteLength(body)}\n${body}\n`;
const WHO = "committer Ada <ada@example.com> 1700000000 +0000";
const long = (word: string) => `${Array.from({ length: 20 }, (_, line) => `${word} ${line}`).join("\n")}\n`;
const QUOTED = `q "x"\n\\ \t é`;
const blob = (mode: string, name: string, body: string) =>
  `M ${mode} inline ${JSON.stringify(name).replaceAll("\\t", "\t")}\n${data(body)}`;

/** A commit that does to its files all that can be done to files. */
async function makeMixed(): Promise<{ path: string; from: string; to: string }> {
  const path = await makeRepository(join(dir, "mixed.git"));
  await git(path, ["fast-import", "--quiet"], {
    input: [
      `commit refs/heads/main\nmark :1\n${WHO}\n${data("before")}`,
      blob("100644", "a-becomes-link", "text\n"),
      blob("120000", "b-becomes-file", "target"),
      blob("100644", "c-becomes-submodule", "text of c\n"),
      `M 160000 ${"1".repeat(40)} d-becomes-file\n`,
      `M 160000 ${"2".repeat(40)} e-moves\n`,
      blob("100644", "f-mode", "same\n"),
      blob("100644", "g-binary", "a\0b"),
      blob("100644", "h-binary-link", "c\0d"),
      blob("100644", "i-renamed", long("i")),
      blob("100644", "j-renamed-changed", long("j")),
      blob("100644", "k-deleted", "k\n"),
      blob("100644", QUOTED, "old\n"),
      blob("100644", "z-last", "old last\n"),
      `commit refs/heads/main\nmark :2\n${WHO}\n${data("after")}from :1\n`,
      blob("120000", "a-becomes-link", "elsewhere"),
      blob("100644", "b-becomes-file", "now text\n"),
      `M 160000 ${"3".repeat(40)} c-becomes-submodule\n`,
      blob("100755", "d-becomes-file", "now text of d\n"),
      `M 160000 ${"4".repeat(40)} e-moves\n`,
      blob("100755", "f-mode", "same\n"),
      blob("100644", "g-binary", "a\0c"),
      blob("120000", "h-binary-link", "link"),
      `R i-renamed i-new-name\nR j-renamed-changed j-new-name\n`,
      blob("100644", "j-new-name", `${long("j")}more\n`),
      `D k-deleted\n`,
      blob("100644", "l-added", ""),
      blob("100644", QUOTED, "new\n"),
      blob("100644", "z-last", "new last\n"),
    ].join(""),
  });
  const [from, to] = await Promise.all(["main~", "main"].map((name) => git(path, ["rev-parse", name])));
  assert.ok(from !== undefined && to !== undefined);
  return { path, from, to };
}

test("each file of a commit has its own changes, also next to files that change their type", async () => {
  const { path, from, to } = await makeMixed();
  const diffs = await browsing.diff(path, parseOid(from), parseOid(to), asker);
  const seen = new Map<string, string[]>();
  for (const { oldPath, newPath, kind, oldMode, newMode, text } of diffs) {
    seen.set(newPath, [...(seen.get(newPath) ?? []), `${kind} ${oldMode} ${newMode}`]);
    // Git's own, of this file alone; a change of type has two sections, in this order.
    const names = [...new Set([oldPath, newPath])];
    const args = ["--literal-pathspecs", "diff-tree", "-r", "-p", "-M", "--full-index", "--submodule=short"];
    const own = await git(path, [...args, from, to, "--", ...names]);
    const sections = own.split(/^(?=diff --git )/m).filter(Boolean);
    const number = (seen.get(newPath)?.length ?? 0) - 1;
    const expected = /^(?:@@ |Binary files )[\s\S]*/m.exec(sections[number] ?? "")?.[0] ?? "";
    assert.equal(text.trimEnd(), expected.trimEnd(), newPath);
  }
  assert.deepEqual(Object.fromEntries(seen), {
    "a-becomes-link": ["deleted 100644 000000", "new 000000 120000"],
    "b-becomes-file": ["deleted 120000 000000", "new 000000 100644"],
    "c-becomes-submodule": ["deleted 100644 000000", "new 000000 160000"],
    "d-becomes-file": ["deleted 160000 000000", "new 000000 100755"],
    "e-moves": ["modified 160000 160000"],
    "f-mode": ["modified 100644 100755"],
    "g-binary": ["modified 100644 100644"],
    "h-binary-link": ["deleted 100644 000000", "new 000000 120000"],
    "i-new-name": ["renamed 100644 100644"],
    "j-new-name": ["renamed 100644 100644"],
    "k-deleted": ["deleted 100644 000000"],
    "l-added": ["new 000000 100644"],
    [QUOTED]: ["modified 100644 100644"],
    "z-last": ["modified 100644 100644"],
  });
  assert.match(diffs.at(-1)?.text ?? "", /^@@ .*\n-old last\n\+new last\n$/);
});

test("a file's name that has a line separator in it does not break the count of changes", async () => {
  const path = await makeRepository(join(dir, "separator.git"));
  const oid = parseOid(await makeCommit(path, { files: { "a\u2028b": "one\ntwo\n" } }));
  assert.deepEqual(
    [...(await browsing.countChanges(path, [oid], asker))],
    [[oid, { additions: 2, deletions: 0 }]],
  );
});
