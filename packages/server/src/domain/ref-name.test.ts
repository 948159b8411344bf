import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { HeliostatError } from "./errors.ts";
import { branchRef, isBranch, isTag, parseRefName, shortName } from "./ref-name.ts";

const run = promisify(execFile);

/** Git's verdict on each name, from one shell for all of them. An argument cannot hold a NUL: leave those out. */
async function askGit(option: string, names: readonly string[]): Promise<boolean[]> {
  const script = `for name; do git check-ref-format ${option} "$name" >/dev/null 2>&1 && echo y || echo n; done`;
  const { stdout } = await run("sh", ["-c", script, "sh", ...names], { cwd: "/" });
  return stdout
    .trim()
    .split("\n")
    .map((verdict) => verdict === "y");
}

function accepts(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch (error) {
    assert.ok(error instanceof HeliostatError);
    assert.equal(error.code, "ref-name-invalid");
    return false;
  }
}

const PLAIN = [
  "refs/heads/main",
  "refs/heads/feature/a.b-c_d",
  "refs/tags/v1.0",
  "refs/notes/commits",
  "refs/heads",
  "refs/heads/HEAD",
  "refs/heads/-x",
  "refs/heads/@",
  "refs/heads/a@b",
  "refs/heads/{a}",
  "refs/heads/a./b",
  "refs/heads/a.lock.b",
  "refs/heads/lock",
  "refs/heads/größe",
  "refs/heads/日本語",
  "refs/heads/🌞",
  "refs/heads/\u0080",
  "refs/heads/\u00a0",
  'refs/heads/"quoted"',
  "refs/heads/$(x)",
  "refs/heads/a;b|c&d",
  `refs/heads/${"x".repeat(3000)}`,
];

const BROKEN = [
  "",
  "refs/",
  "refs/heads/",
  "refs//heads/a",
  "refs/heads//a",
  "/refs/heads/a",
  "refs/heads/.a",
  "refs/heads/a/.b",
  "refs/heads/a..b",
  "refs/heads/..",
  "refs/heads/.",
  "refs/heads/a.",
  "refs/heads/a.lock",
  "refs/heads/a.lock/b",
  "refs/heads/.lock",
  "refs/heads/a b",
  "refs/heads/a\tb",
  "refs/heads/a\nb",
  "refs/heads/a\u0001",
  "refs/heads/a\u007f",
  "refs/heads/a~1",
  "refs/heads/a^",
  "refs/heads/a:b",
  "refs/heads/a?",
  "refs/heads/*",
  "refs/heads/[a]",
  "refs/heads/a\\b",
  "refs/heads/@{1}",
  "refs",
  "@",
];

/** Names built of what the rules are about, so that the random ones are near the border. */
const nearlyName = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom("a", "b", "x1", "main", "-", "_", "ü", "日", "🌞", "{", "}", "lock"),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          "/",
          "/",
          ".",
          "..",
          "@",
          "@{",
          ".lock",
          "~",
          "^",
          ":",
          "?",
          "*",
          "[",
          "]",
          "\\",
          " ",
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 2 }) },
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join("").replaceAll(/[\0\ufffd]/g, ""))
  .filter((name) => name.isWellFormed());

describe("parseRefName", () => {
  it("judges as git check-ref-format does, name by name", async () => {
    const names = [...PLAIN, ...BROKEN];
    const verdicts = await askGit("", names);
    assert.deepEqual(
      names.map((name) => [name, accepts(parseRefName, name)]),
      names.map((name, at) => [name, verdicts[at]]),
    );
    assert.ok(PLAIN.every((name) => accepts(parseRefName, name)));
    assert.ok(!BROKEN.some((name) => accepts(parseRefName, name)));
  });

  it("judges random names as git does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(nearlyName, { minLength: 60, maxLength: 100 }), async (endings) => {
        const names = endings.map((ending) => `refs/heads/${ending}`);
        assert.deepEqual(
          names.map((name) => [name, accepts(parseRefName, name)]),
          (await askGit("", names)).map((verdict, at) => [names[at], verdict]),
        );
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });

  it("refuses names that are not below refs/, which git takes for full names too", () => {
    for (const name of ["HEAD", "heads/main", "main", "Refs/heads/main", "refsx/heads/main"]) {
      assert.equal(accepts(parseRefName, name), false, name);
    }
  });

  it("refuses a NUL, a lone surrogate and what a lossy decoder leaves", () => {
    for (const name of [
      "refs/heads/a\0b",
      "refs/heads/a\ud800",
      "refs/heads/\udc00b",
      "refs/heads/a\ufffd",
    ]) {
      assert.equal(accepts(parseRefName, name), false, JSON.stringify(name));
    }
  });

  it("does not repeat an endless name in its message", () => {
    assert.throws(
      () => parseRefName(`refs/heads/${"a".repeat(10_000)} b`),
      (error: unknown) => error instanceof HeliostatError && error.message.length < 300,
    );
  });
});

describe("branchRef", () => {
  it("judges as git check-ref-format --branch does", async () => {
    const names = [
      "main",
      "a/b",
      "HEAD",
      "-x",
      "a-",
      "HEAD/x",
      "@",
      "a b",
      "",
      "a.lock",
      "größe",
      "refs/heads/x",
    ];
    assert.deepEqual(
      names.map((name) => [name, accepts(branchRef, name)]),
      (await askGit("--branch", names)).map((verdict, at) => [names[at], verdict]),
    );
  });

  it("puts the name below refs/heads/", () => {
    assert.equal(branchRef("feature/x"), "refs/heads/feature/x");
  });
});

describe("kinds of refs", () => {
  it("tells branches, tags and other refs apart", () => {
    const kinds = (name: string) => [isBranch(parseRefName(name)), isTag(parseRefName(name))];
    assert.deepEqual(kinds("refs/heads/main"), [true, false]);
    assert.deepEqual(kinds("refs/tags/v1"), [false, true]);
    assert.deepEqual(kinds("refs/notes/commits"), [false, false]);
    assert.deepEqual(kinds("refs/headsx/main"), [false, false]);
    assert.deepEqual(kinds("refs/heads"), [false, false]);
  });

  it("shortens branches and tags only, and only once", () => {
    assert.equal(shortName(parseRefName("refs/heads/feature/x")), "feature/x");
    assert.equal(shortName(parseRefName("refs/tags/v1")), "v1");
    assert.equal(shortName(parseRefName("refs/notes/commits")), "refs/notes/commits");
    assert.equal(shortName(parseRefName("refs/heads/refs/heads/x")), "refs/heads/x");
  });
});
