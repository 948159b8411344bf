import assert from "node:assert/strict";
import { test } from "node:test";
import { hostKeyDetectionSchema } from "@heliostat/contract/api/host-keys.ts";
import type { HostKeyDetection, UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { createInMemoryUseCases, SECRETS } from "../../test-support/in-memory-use-cases.ts";
import { startServer } from "../../test-support/start-server.ts";

/** Made by ssh-keygen, as its fingerprints. */
const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const FOUND: HostKeyDetection = {
  kind: "found",
  knownHosts: `github.com ssh-ed25519 ${KEY}`,
  haveChanged: true,
};
const WEB = "/grp/sub/p/-/mirror/ssh_host_keys.json?ssh_url=ssh%3A%2F%2Fgit%40github.com%2Fa.git";
const API = "/api/v4/projects/1/mirrors/ssh_host_keys?ssh_url=ssh%3A%2F%2Fgit%40github.com%2Fa.git";

async function answersTo(detectHostKeys: UseCases["detectHostKeys"]) {
  const server = await startServer(createInMemoryUseCases({ detectHostKeys }));
  return server;
}

test("host keys have GitLab's form, on the web and by API", async () => {
  const asked: unknown[] = [];
  await using server = await answersTo(async (_principal, project, wish) => {
    asked.push([project, wish]);
    return FOUND;
  });
  const answer = await server.ask("GET", `${WEB}&compare_host_keys=x`, { token: SECRETS.api });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.deepEqual(answer.json(), {
    host_keys_changed: true,
    fingerprints: [
      {
        bits: 256,
        fingerprint: "65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd",
        fingerprint_sha256: "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
        type: "ed25519",
        index: 0,
      },
    ],
    known_hosts: `github.com ssh-ed25519 ${KEY}`,
  });
  hostKeyDetectionSchema.parse((await server.ask("GET", API, { token: SECRETS.api })).json());
  const url = "ssh://git@github.com/a.git";
  assert.deepEqual(asked, [
    ["grp/sub/p", { url, compareWith: "x", wait: false }],
    [1, { url, compareWith: "", wait: true }],
  ]);
});

test("what is not found yet, or not at all, is told as GitLab tells it", async () => {
  for (const [detection, status, body] of [
    [{ kind: "scanning" }, 204, null],
    [{ kind: "failed", reason: "no" }, 400, { message: "Failed to detect SSH host keys" }],
    [{ kind: "refused", reason: "no" }, 400, { message: "Invalid URL" }],
  ] as const) {
    await using server = await answersTo(async () => detection);
    const answer = await server.ask("GET", WEB, { token: SECRETS.api });
    assert.deepEqual([answer.status, answer.text === "" ? null : answer.json()], [status, body]);
    if (detection.kind === "scanning") continue;
    const ours = await server.ask("GET", API, { token: SECRETS.api });
    assert.deepEqual([ours.status, ours.json()], [400, { message: `${body?.message}: no` }]);
  }
});

test("who may not mirror a project does not learn that there is one", async () => {
  for (const code of ["forbidden", "not-found", "unauthenticated"] as const) {
    await using server = await answersTo(async () => {
      throw new HeliostatError(code, "a reason");
    });
    const answer = await server.ask("GET", WEB, { token: SECRETS.api });
    assert.deepEqual([answer.status, answer.json()], [404, { message: "404 Not found" }]);
  }
  await using server = await answersTo(async () => FOUND);
  assert.equal((await server.ask("GET", WEB, { token: SECRETS.readApi })).status, 403);
  assert.equal((await server.ask("GET", WEB, { token: "wrong" })).status, 404);
  // Anonymous: the use case decides, and ours knows nobody.
  assert.equal((await server.ask("GET", "/grp/-/mirror/ssh_host_keys.json?ssh_url=x")).status, 404);
  const missing = await server.ask("GET", "/grp/p/-/mirror/ssh_host_keys", { token: SECRETS.api });
  assert.deepEqual([missing.status, missing.json()], [400, { error: "ssh_url is missing" }]);
  assert.equal((await server.ask("GET", API, { token: SECRETS.readApi })).status, 403);
});

test("accepting host keys wants to be told which", async () => {
  const accepted: unknown[] = [];
  const useCases = createInMemoryUseCases({
    acceptHostKeys: async (_principal, project, mirrorId, fingerprints) => {
      accepted.push([project, mirrorId, fingerprints]);
      throw new HeliostatError("conflict", "The server shows other host keys.");
    },
  });
  await using server = await startServer(useCases);
  const path = "/api/v4/projects/1/mirrors/7/host_keys/accept";
  const post = (body: string) =>
    server.ask("POST", path, {
      token: SECRETS.api,
      body,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
  const answer = await post("fingerprints[]=SHA256:a+b&fingerprints[]=SHA256:c/d");
  assert.deepEqual([answer.status, answer.json()], [409, { message: "The server shows other host keys." }]);
  assert.deepEqual(accepted, [[1, 7, ["SHA256:a+b", "SHA256:c/d"]]]);
  for (const body of ["", "fingerprints[]=", "fingerprints="]) {
    assert.deepEqual((await post(body)).status, 400, body);
  }
  assert.equal(accepted.length, 1);
});
