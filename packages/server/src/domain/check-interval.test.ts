import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkInterval } from "./check-interval.ts";
import { DEFAULT_MIRROR_OPTIONS, type MirrorOptions } from "./mirror.ts";

const NOW = new Date("2030-01-01T00:00:00Z");
const INSTANCE = { pullMirrorIntervalSeconds: 1800, pullMirrorMinIntervalSeconds: 60, mirrorMaxDelay: 300 };

function intervalOf(
  options: Partial<MirrorOptions>,
  changed: { readonly ago: number | null; readonly createdAgo?: number } = { ago: null },
  direction: "pull" | "push" = "pull",
): number {
  const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
  const mirror = {
    direction,
    options: { ...DEFAULT_MIRROR_OPTIONS, ...options },
    lastChangedAt: changed.ago === null ? null : before(changed.ago),
    createdAt: before(changed.createdAgo ?? 0),
  };
  return checkInterval(mirror, INSTANCE, NOW);
}

describe("checkInterval", () => {
  it("is the mirror's own, else the instance's, and never below the least", () => {
    assert.deepEqual(
      [intervalOf({}), intervalOf({ intervalSeconds: 90 }), intervalOf({ intervalSeconds: 5 })],
      [1800, 90, 60],
    );
  });

  it("that adapts is half the time since the last change, within bounds", () => {
    const adaptive = { adaptiveInterval: true, intervalSeconds: 5 };
    const intervals = [0, 100, 600, 7200, 1e7].map((ago) => intervalOf(adaptive, { ago }));
    assert.deepEqual(intervals, [60, 60, 300, 3600, 18_000]);
    assert.equal(intervalOf(adaptive, { ago: null, createdAgo: 1000 }), 500);
  });

  it("of a push mirror is the instance's: it only repairs what a trigger missed", () => {
    assert.equal(intervalOf({ adaptiveInterval: true, intervalSeconds: 90 }, { ago: 9 }, "push"), 1800);
  });
});
