import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { HeliostatError } from "./errors.ts";
import { parseRefName } from "./ref-name.ts";
import { mapRef, parseRefspec } from "./refspec.ts";

const run = promisify(execFile);

const refuses = (text: string) =>
  assert.throws(
    () => parseRefspec(text),
    (error: unknown) => error instanceof HeliostatError && error.code === "refspec-invalid",
    text,
  );

describe("parseRefspec", () => {
  it("takes full names, with and without force, and a glob on both sides", () => {
    assert.deepEqual(parseRefspec("refs/heads/a:refs/heads/b"), {
      force: false,
      src: "refs/heads/a",
      dst: "refs/heads/b",
    });
    assert.deepEqual(parseRefspec("+refs/heads/*:refs/remotes/up/*"), {
      force: true,
      src: "refs/heads/*",
      dst: "refs/remotes/up/*",
    });
  });

  it("refuses what does not say in full what goes where", () => {
    for (const text of [
      "",
      "+",
      ":",
      "refs/heads/a",
      "refs/heads/a:",
      ":refs/heads/a",
      "^refs/heads/a",
      "main:refs/heads/main",
      "HEAD:refs/heads/main",
      "refs/heads/a:refs/heads/b:refs/heads/c",
      "++refs/heads/a:refs/heads/b",
      "refs/heads/*:refs/heads/b",
      "refs/heads/a:refs/heads/*",
      "refs/heads/*/*:refs/heads/*/*",
      "--upload-pack=x:refs/heads/a",
      "refs/heads/a b:refs/heads/b",
    ]) {
      refuses(text);
    }
  });

  it("judges patterns as git check-ref-format --refspec-pattern does", async () => {
    const patterns = [
      "refs/heads/*",
      "refs/*",
      "refs/heads/a*",
      "refs/heads/*a",
      "refs/heads/a*b/c",
      "refs/*/heads",
      "refs/heads/*.lock",
      "refs/heads/.*",
      "refs/heads/*.",
      "refs/heads/**",
      "refs/heads/*/*",
      "refs/heads/*..",
      "refs/heads/*@{",
    ];
    const script =
      'for p; do git check-ref-format --refspec-pattern "$p" >/dev/null 2>&1 && echo y || echo n; done';
    const { stdout } = await run("sh", ["-c", script, "sh", ...patterns], { cwd: "/" });
    const verdicts = stdout.trim().split("\n");
    for (const [at, pattern] of patterns.entries()) {
      if (verdicts[at] === "y") assert.doesNotThrow(() => parseRefspec(`${pattern}:${pattern}`), pattern);
      else refuses(`${pattern}:${pattern}`);
    }
    assert.ok(verdicts.includes("y") && verdicts.includes("n"));
  });
});

describe("mapRef", () => {
  const names = [
    "refs/heads/a",
    "refs/heads/ab",
    "refs/heads/a.b",
    "refs/heads/c/ab",
    "refs/tags/a",
    "refs/tags/x",
  ];
  let dir = "";

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "refspec-"));
    const script = `
      git init -q --bare source && cd source
      tree=$(git hash-object -t tree -w /dev/null)
      commit=$(GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a \\
        GIT_COMMITTER_EMAIL=a@example.com git commit-tree "$tree" -m x)
      for name; do git update-ref "$name" "$commit"; done`;
    await run("sh", ["-ec", script, "sh", ...names], { cwd: dir });
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const refspecs = [
    "+refs/heads/*:refs/heads/*",
    "refs/heads/*:refs/remotes/up/*",
    "refs/heads/a*:refs/x/*",
    "refs/heads/a*:refs/x/b*",
    "refs/heads/*b:refs/x/*-end",
    "refs/heads/a:refs/heads/z",
    "refs/*:refs/mirror/*",
    "refs/heads/aba*:refs/x/y*",
    "refs/heads/ab*b:refs/x/y*",
    "refs/heads/none:refs/heads/z",
  ];
  for (const text of refspecs) {
    it(`sends refs where git fetch ${text} sends them`, async () => {
      const target = join(dir, text.replaceAll(/[^a-z]/g, "_"));
      await run("git", ["init", "-q", "--bare", target]);
      // Git fails when an exact source is missing; what it wrote is what counts here.
      await run("git", ["-C", target, "fetch", "-q", "--no-tags", join(dir, "source"), text]).catch(
        () => null,
      );
      const { stdout } = await run("git", ["-C", target, "for-each-ref", "--format=%(refname)"]);
      const mapped = names.map((name) => mapRef(parseRefspec(text), parseRefName(name)));
      assert.deepEqual(mapped.filter((name) => name !== null).sort(), stdout.split("\n").filter(Boolean));
    });
  }

  it("keeps the text of the name as it is", () => {
    assert.equal(mapRef(parseRefspec("refs/heads/*:refs/x/*"), parseRefName("refs/heads/$&")), "refs/x/$&");
  });
});
