import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRefName } from "./ref-name.ts";
import { compileTagFilter, validateTagFilter } from "./tag-filter.ts";

const accepts = (tags: string, name: string) => compileTagFilter(tags)(parseRefName(`refs/tags/${name}`));

describe("compileTagFilter", () => {
  it("takes all tags, or none", () => {
    assert.ok(accepts("all", "v1"));
    assert.ok(!accepts("none", "v1"));
    assert.ok(!accepts("none", "none"));
  });

  it("reads anything else as a regex that matches any part of the short name and minds case", () => {
    assert.ok(accepts("v[0-9]+", "release-v10/final"));
    assert.ok(!accepts("^v[0-9]+$", "release-v10"));
    assert.ok(!accepts("refs/tags", "v1"));
    assert.ok(!accepts("V", "v1"));
    assert.ok(accepts("^all$", "all"));
    assert.ok(!accepts("^all$", "small"));
  });

  it("refuses a broken regex", () => {
    assert.throws(() => compileTagFilter("(a"), {
      code: "parameter-invalid",
      message: "not valid RE2 syntax: missing closing ): (a",
    });
  });
});

describe("validateTagFilter", () => {
  it("takes the two words and every RE2 regex of up to 255 characters", () => {
    for (const tags of ["all", "none", "^v[0-9]+$", "🌞".repeat(255)]) {
      assert.deepEqual(validateTagFilter(tags), []);
    }
  });

  it("says in GitLab's words what is wrong", () => {
    assert.deepEqual(validateTagFilter(""), ["can't be blank"]);
    assert.deepEqual(validateTagFilter("(?=a)"), [
      "not valid RE2 syntax: invalid or unsupported Perl syntax: (?=",
    ]);
    assert.deepEqual(validateTagFilter("a".repeat(256)), ["is too long (maximum is 255 characters)"]);
  });
});
