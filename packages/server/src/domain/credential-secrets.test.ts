import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialSecrets } from "./credential-secrets.ts";

const TOKEN = "ghp_plantedPlantedPlanted";

test("a token is a secret in either half, and so are both halves as Basic authentication joins them", () => {
  for (const placeholder of ["", "x", "X-OAuth-Basic", "x-token-auth"]) {
    assert.deepEqual(credentialSecrets(TOKEN, placeholder), [TOKEN, `${TOKEN}:${placeholder}`]);
  }
  for (const name of ["git", "oauth2", "x-access-token", "x-token-auth", "root", "alice"]) {
    assert.deepEqual(credentialSecrets(name, TOKEN), [TOKEN, `${name}:${TOKEN}`]);
  }
  assert.deepEqual(credentialSecrets("", TOKEN), [TOKEN, `:${TOKEN}`]);
});

test("in doubt both halves are", () => {
  assert.deepEqual(credentialSecrets(TOKEN, "pass word"), [TOKEN, "pass word", `${TOKEN}:pass word`]);
  assert.deepEqual(credentialSecrets("short", ""), ["short", "short:"]);
});

test("no credential has none", () => {
  assert.deepEqual(credentialSecrets("", ""), []);
});
