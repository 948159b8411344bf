import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MirrorDirection } from "@heliostat/contract";
import { HeliostatError } from "../../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type MirrorOptions } from "../../domain/mirror.ts";
import { refuseBadOptions } from "./check-options.ts";

const INSTANCE = { pullMirrorMinIntervalSeconds: 60 };

function complaints(
  direction: MirrorDirection,
  given: Partial<MirrorOptions>,
  stored: Partial<MirrorOptions> = {},
  instance = INSTANCE,
): unknown {
  try {
    refuseBadOptions(direction, given, { ...DEFAULT_MIRROR_OPTIONS, ...stored }, instance);
    return null;
  } catch (error) {
    assert.ok(error instanceof HeliostatError && error.code === "model-invalid");
    return error.fields;
  }
}

describe("refuseBadOptions", () => {
  it("knows which options belong to which direction", () => {
    const ofPull = {
      overwritesDivergedBranches: true,
      triggerBuilds: true,
      followDefaultBranch: true,
      intervalSeconds: 60,
      adaptiveInterval: true,
    };
    assert.equal(complaints("pull", ofPull), null);
    assert.deepEqual(
      complaints("push", ofPull),
      Object.fromEntries(
        [
          "interval_seconds",
          "overwrites_diverged_branches",
          "trigger_builds",
          "follow_default_branch",
          "adaptive_interval",
        ].map((name) => [name, ["is an option of pull mirrors"]]),
      ),
    );
    assert.equal(complaints("push", { keepDivergentRefs: true }), null);
    assert.deepEqual(complaints("pull", { keepDivergentRefs: true }), {
      keep_divergent_refs: ["is an option of push mirrors"],
    });
  });

  it("takes the defaults of the other direction, so that an answer can be sent back", () => {
    assert.equal(complaints("push", DEFAULT_MIRROR_OPTIONS), null);
    assert.equal(complaints("pull", DEFAULT_MIRROR_OPTIONS), null);
  });

  it("looks at filters together with what is stored", () => {
    const mustBeBlank = { mirror_branch_regex: ["must be blank"] };
    assert.deepEqual(complaints("push", { branchRegex: "x" }, { onlyProtectedBranches: true }), mustBeBlank);
    assert.deepEqual(complaints("push", { onlyProtectedBranches: true }, { branchRegex: "x" }), mustBeBlank);
    const other = { branchRegex: "x", onlyProtectedBranches: false };
    assert.equal(complaints("push", other, { onlyProtectedBranches: true }), null);
  });

  it("bounds the interval by the instance and by a month, and not below a second", () => {
    const of = (intervalSeconds: number | null, least = 60) =>
      complaints("pull", { intervalSeconds }, {}, { pullMirrorMinIntervalSeconds: least });
    assert.equal(of(60), null);
    assert.equal(of(null), null);
    assert.deepEqual(of(59), { interval_seconds: ["must be greater than or equal to 60"] });
    assert.deepEqual(of(0, 0), { interval_seconds: ["must be greater than or equal to 1"] });
    assert.equal(of(2_592_000), null);
    assert.deepEqual(of(2_592_001), { interval_seconds: ["must be less than or equal to 2592000"] });
    // Stored before the admin raised the bound: nobody who changes something else is bothered.
    assert.equal(complaints("pull", { tags: "none" }, { intervalSeconds: 10 }), null);
  });

  it("takes all, none or a regex for tags", () => {
    for (const tags of ["all", "none", "^v\\d"]) assert.equal(complaints("push", { tags }), null);
    assert.deepEqual(complaints("push", { tags: "x".repeat(256) }), {
      mirror_tags: ["is too long (maximum is 255 characters)"],
    });
  });
});
