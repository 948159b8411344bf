import assert from "node:assert/strict";
import { test } from "node:test";
import { TOKEN_SCOPES } from "@heliostat/contract";
import { scopesBeyond } from "./token-power.ts";

test("api hands on everything that reads and writes, and no power of an admin", () => {
  assert.deepEqual(scopesBeyond(["api"], TOKEN_SCOPES), ["admin_mode", "sudo"]);
});

test("every other scope hands on itself and what it can do besides", () => {
  const rest = (scope: (typeof TOKEN_SCOPES)[number]) =>
    TOKEN_SCOPES.filter((wanted) => !scopesBeyond([scope], TOKEN_SCOPES).includes(wanted));
  assert.deepEqual(rest("read_api"), ["read_api"]);
  assert.deepEqual(rest("read_repository"), ["read_repository"]);
  assert.deepEqual(rest("write_repository"), ["read_repository", "write_repository"]);
  assert.deepEqual(rest("admin_mode"), ["admin_mode"]);
  assert.deepEqual(rest("sudo"), ["sudo"]);
});

test("several scopes hand on what each of them does; who signed in hands on all, who has none nothing", () => {
  assert.deepEqual(scopesBeyond(["read_api", "admin_mode"], TOKEN_SCOPES), [
    "api",
    "read_repository",
    "write_repository",
    "sudo",
  ]);
  assert.deepEqual(scopesBeyond(null, TOKEN_SCOPES), []);
  assert.deepEqual(scopesBeyond([], ["read_api"]), ["read_api"]);
});
