import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VISIBILITIES } from "@heliostat/contract";
import { complaintAbove, complaintBelow, isMoreVisible, lessVisible } from "./visibility.ts";

describe("visibility", () => {
  it("is ordered: private, internal, public", () => {
    for (const [at, one] of VISIBILITIES.entries()) {
      for (const [place, other] of VISIBILITIES.entries()) {
        assert.equal(isMoreVisible(one, other), at > place);
        assert.equal(lessVisible(one, other), VISIBILITIES[Math.min(at, place)]);
      }
    }
  });

  it("of what is in a group is the group's at most", () => {
    for (const [at, wanted] of VISIBILITIES.entries()) {
      for (const [place, group] of VISIBILITIES.entries()) {
        assert.equal(complaintAbove(wanted, group, "project") === null, at <= place);
      }
      assert.equal(complaintAbove(wanted, null, "project"), null);
    }
    assert.equal(complaintAbove("public", "private", "project"), "public is not allowed in a private group.");
    assert.equal(
      complaintAbove("internal", "private", "group"),
      "internal is not allowed since the parent group has a private visibility.",
    );
  });

  it("of a group is that of what is in it at least", () => {
    const none = { projects: [], groups: [] };
    assert.equal(complaintBelow("private", none), null);
    assert.match(
      complaintBelow("private", { ...none, projects: ["private", "internal"] }) ?? "",
      /contains projects/,
    );
    assert.match(complaintBelow("internal", { ...none, groups: ["public"] }) ?? "", /sub-groups/);
    assert.equal(complaintBelow("internal", { projects: ["internal"], groups: ["private"] }), null);
  });
});
