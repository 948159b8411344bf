import assert from "node:assert/strict";
import { test } from "node:test";
import { ATTENTION_REASONS, type AttentionReason, type SecretKind } from "@heliostat/contract";
import { chooseAction, describeExpiry, describeReason, describeState } from "./describe.ts";

const NOW = new Date("2026-01-10T12:00:00Z");

test("every reason has its own word and a sentence", () => {
  const words = ATTENTION_REASONS.map(describeReason);
  assert.equal(new Set(words.map(({ word }) => word)).size, ATTENTION_REASONS.length);
  for (const { sentence } of words) assert.match(sentence, /\.$/);
});

test("the weightiest reason has the one action that mends it", () => {
  const password = { auth_method: "password", public_key: null } as const;
  const key = { auth_method: "ssh_public_key", public_key: "ssh-ed25519 AAAA x" } as const;
  const actions = (facts: typeof password | typeof key, ...reasons: AttentionReason[]) =>
    chooseAction({ ...facts, reasons, lost_secrets: [] });
  assert.equal(actions(password), null);
  const lost = (
    facts: Omit<Parameters<typeof chooseAction>[0], "reasons" | "lost_secrets">,
    ...lost_secrets: SecretKind[]
  ) => chooseAction({ ...facts, reasons: ["needs-secret", "host-key-changed"], lost_secrets });
  assert.equal(lost({ ...key, auth_method: "password" }, "client_key", "password"), "enter-password");
  assert.equal(lost(key, "ssh_key"), "make-ssh-key");
  assert.equal(lost(password, "client_key"), null);
  assert.equal(actions(key, "host-key-changed", "paused"), "review-host-keys");
  assert.equal(actions(key, "ssh-key-refused"), "copy-public-key");
  assert.equal(actions(key, "credential-refused"), "copy-public-key");
  assert.equal(actions(password, "credential-refused"), "enter-password");
  assert.equal(actions(password, "credential-expires-soon"), "enter-password");
  assert.equal(actions(password, "paused"), "update-now");
});

test("an expiry is said in days", () => {
  assert.equal(describeExpiry("2026-01-10T12:00:01Z", NOW), "Credential expires within a day");
  assert.equal(describeExpiry("2026-01-12T12:00:01Z", NOW), "Credential expires in 3 days");
  assert.equal(describeExpiry("2026-01-10T12:00:00Z", NOW), "Credential expired today");
  assert.equal(describeExpiry("2026-01-09T11:00:00Z", NOW), "Credential expired yesterday");
  assert.equal(describeExpiry("2026-01-07T11:00:00Z", NOW), "Credential expired 3 days ago");
});

test("a state has the word that it has everywhere", () => {
  const mirror = { enabled: true, paused: false, update_status: "finished" } as const;
  assert.deepEqual(describeState(mirror), { word: "In step", tone: null, icon: "check" });
  assert.equal(describeState({ ...mirror, enabled: false }).word, "Paused");
  assert.equal(describeState({ ...mirror, paused: true }).word, "Paused");
  assert.equal(describeState({ ...mirror, update_status: "to_retry" }).word, "Failing");

  const states = [
    ...(["none", "started", "finished", "failed"] as const).map((update_status) => ({
      ...mirror,
      update_status,
    })),
    { ...mirror, paused: true },
  ].map(describeState);
  assert.equal(new Set(states.map(({ icon }) => icon)).size, states.length);
});
