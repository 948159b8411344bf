import assert from "node:assert/strict";
import { test } from "node:test";
import { explainMirror, type MirrorFacts } from "./explain-mirror.ts";

const now = new Date("2026-01-01T12:00:00Z");
const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);

const DUE: MirrorFacts = {
  now,
  mirror: {
    direction: "pull",
    updateStatus: "finished",
    retryCount: 0,
    requestedAt: null,
    nextCheckAt: at(-90),
    lastUpdateStartedAt: at(-1800),
  },
  hindrance: null,
  host: "git.example.com:443",
  hostPausedUntil: null,
  needsSecret: false,
  places: { pulls: 0, maxPulls: 10, ofHost: 0, maxOfHost: 4 },
};

const cases: readonly [what: string, facts: Partial<MirrorFacts>, waitingFor: string, late: number][] = [
  ["due, and free", {}, "node", 90],
  ["running", { mirror: { ...DUE.mirror, updateStatus: "started" } }, "end-of-run", 0],
  ["switched off", { hindrance: "disabled" }, "disabled", 0],
  ["in Silent Mode", { hindrance: "silent-mode" }, "silent-mode", 0],
  ["of an archived project", { hindrance: "archived" }, "archived", 0],
  ["not available", { hindrance: "unavailable" }, "unavailable", 0],
  ["without its secret", { needsSecret: true }, "secret", 0],
  ["paused", { mirror: { ...DUE.mirror, retryCount: 15, nextCheckAt: null } }, "resume", 0],
  ["with nothing to do", { mirror: { ...DUE.mirror, direction: "push", nextCheckAt: null } }, "change", 0],
  ["of a silent host", { hostPausedUntil: at(60) }, "host", 90],
  ["of a silent host whose pause is over", { hostPausedUntil: at(-5) }, "host", 90],
  ["not due yet", { mirror: { ...DUE.mirror, nextCheckAt: at(60) } }, "time", 0],
  ["behind other pulls", { places: { ...DUE.places, pulls: 10 } }, "capacity", 90],
  ["behind others of its host", { places: { ...DUE.places, ofHost: 4 } }, "host-capacity", 90],
];

for (const [what, facts, waitingFor, late] of cases) {
  test(`a mirror that is ${what} waits for ${waitingFor}`, () => {
    const explained = explainMirror({ ...DUE, ...facts });
    assert.deepEqual([explained.waitingFor, explained.lateBySeconds], [waitingFor, late]);
    if (facts.hindrance) assert.equal(explained.dueAt, null);
    assert.match(explained.sentence, /^\S.*\.$/);
  });
}

test("a wish counts before the schedule, and push mirrors do not wait for a place among pulls", () => {
  const wished = { ...DUE.mirror, requestedAt: at(30), nextCheckAt: at(600) };
  assert.deepEqual(explainMirror({ ...DUE, mirror: wished }).until, at(30));
  const push = { ...DUE.mirror, direction: "push" as const };
  assert.equal(
    explainMirror({ ...DUE, mirror: push, places: { ...DUE.places, pulls: 10 } }).waitingFor,
    "node",
  );
});

test("a paused mirror that somebody resumes waits for nothing but its turn", () => {
  const resumed = { ...DUE.mirror, retryCount: 15, nextCheckAt: null, requestedAt: at(-1) };
  assert.equal(explainMirror({ ...DUE, mirror: resumed }).waitingFor, "node");
});
