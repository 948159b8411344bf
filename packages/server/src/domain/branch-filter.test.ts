import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type BranchFilter,
  branchFilterOf,
  compileBranchFilter,
  validateBranchRegex,
} from "./branch-filter.ts";
import { DEFAULT_MIRROR_OPTIONS as options } from "./mirror.ts";
import { branchRef } from "./ref-name.ts";

const accepts = (filter: BranchFilter, branch: string) => compileBranchFilter(filter)(branchRef(branch));
const regexAccepts = (source: string, branch: string) => accepts({ kind: "regex", source }, branch);
const patternAccepts = (pattern: string, branch: string) =>
  accepts({ kind: "protected", patterns: [pattern] }, branch);

describe("branchFilterOf", () => {
  it("takes all branches unless asked otherwise; an empty regex asks for nothing", () => {
    assert.deepEqual(branchFilterOf(options, ["main"]), { kind: "all" });
    assert.deepEqual(branchFilterOf({ ...options, branchRegex: "" }, ["main"]), { kind: "all" });
  });

  it("takes the regex, and the protected patterns before it", () => {
    const regex = { ...options, branchRegex: "^a" };
    assert.deepEqual(branchFilterOf(regex, ["main"]), { kind: "regex", source: "^a" });
    const both = { ...regex, onlyProtectedBranches: true };
    assert.deepEqual(branchFilterOf(both, ["main"]), { kind: "protected", patterns: ["main"] });
  });
});

describe("a regex", () => {
  it("matches any part of the short name, and minds case", () => {
    assert.ok(regexAccepts("feature", "my-feature-2"));
    assert.ok(!regexAccepts("Feature", "my-feature-2"));
    assert.ok(regexAccepts("(?i)Feature", "my-feature-2"));
    assert.ok(regexAccepts("^(feature|hotfix)/.*$", "hotfix/1"));
    assert.ok(!regexAccepts("^(feature|hotfix)/", "my/hotfix/1"));
    assert.ok(!regexAccepts("refs/heads", "main"));
    assert.ok(regexAccepts("^größe$", "größe"));
  });

  it("takes linear time on what makes backtracking ones explode", () => {
    assert.ok(!regexAccepts("^(a|a|a)*(a*)*$", `${"a".repeat(5_000)}b`));
  });

  it("that matches nothing accepts no branch", () => {
    assert.ok(!regexAccepts("^nothing$", "main"));
  });

  it("that is broken is refused when it is compiled", () => {
    assert.throws(() => compileBranchFilter({ kind: "regex", source: "(a" }), {
      code: "parameter-invalid",
      message: "not valid RE2 syntax: missing closing ): (a",
    });
  });
});

describe("validateBranchRegex", () => {
  it("has nothing to say about RE2", () => {
    for (const source of ["", "a", "^(feature|hotfix)\\/.*", "(?i)x", "(?P<n>a)", "\\pL", "a{1,1000}"]) {
      assert.deepEqual(validateBranchRegex(source), [], source);
    }
  });

  it("says what is wrong, as RE2 does", () => {
    const cases: [string, string][] = [
      ["(a", "missing closing ): (a"],
      ["a)", "unexpected ): a)"],
      ["[a", "missing closing ]: [a"],
      ["*a", "missing argument to repetition operator: *"],
      ["a**", "invalid nested repetition operator: **"],
      ["(?=a)", "invalid or unsupported Perl syntax: (?="],
      ["(?<!a)b", "invalid named capture: (?<!a)b"],
      ["(a)\\1", "invalid escape sequence: \\1"],
      ["(a{1000}){1000}", "invalid repeat count: {1000}"],
      ["a\\", "trailing backslash at end of expression"],
    ];
    for (const [source, reason] of cases) {
      assert.deepEqual(validateBranchRegex(source), [`not valid RE2 syntax: ${reason}`]);
    }
  });

  it("counts characters, and says all that is wrong", () => {
    assert.deepEqual(validateBranchRegex("🌞".repeat(255)), []);
    assert.deepEqual(validateBranchRegex("a".repeat(256)), ["is too long (maximum is 255 characters)"]);
    assert.equal(validateBranchRegex(`(${"a".repeat(255)}`).length, 2);
  });
});

describe("protected patterns", () => {
  it("match the whole short name, and mind case", () => {
    assert.ok(patternAccepts("main", "main"));
    assert.ok(!patternAccepts("main", "main2"));
    assert.ok(!patternAccepts("main", "a/main"));
    assert.ok(!patternAccepts("Main", "main"));
  });

  it("read * as any run of characters, slashes and none included, and nothing else as special", () => {
    assert.ok(patternAccepts("*", "a/b/c"));
    assert.ok(patternAccepts("release/*", "release/1/x"));
    assert.ok(patternAccepts("release*", "release"));
    assert.ok(patternAccepts("*-stable", "10-stable"));
    assert.ok(patternAccepts("a*b*c", "a-b-b-c"));
    assert.ok(!patternAccepts("release/*", "release"));
    assert.ok(!patternAccepts("a*b*c", "a-c-b"));
    assert.ok(!patternAccepts("aba*ba", "aba"));
    assert.ok(!patternAccepts("*ab*ab", "ab"));
    assert.ok(!patternAccepts("a.c", "abc"));
    assert.ok(!patternAccepts("a+", "aa"));
  });

  it("never match when blank, and accept no branch when there are none", () => {
    assert.ok(!patternAccepts("", "main"));
    assert.ok(!patternAccepts("  ", "main"));
    assert.ok(!accepts({ kind: "protected", patterns: [] }, "main"));
  });

  it("accept what any of them accepts", () => {
    const filter: BranchFilter = { kind: "protected", patterns: ["", "main", "release/*"] };
    assert.deepEqual(
      ["main", "release/1", "develop"].map((name) => accepts(filter, name)),
      [true, true, false],
    );
  });

  it("agree with a regular expression on random patterns and names", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pattern, name, (glob, branch) => {
        assert.equal(
          patternAccepts(glob, branch),
          new RegExp(`^${glob.replaceAll("*", ".*")}$`).test(branch),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
