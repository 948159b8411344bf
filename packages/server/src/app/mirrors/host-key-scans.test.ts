import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../../../test/support/fake-clock.ts";
import { makeTempDir } from "../../../../../test/support/repositories.ts";
import { makeKey } from "../../../../../test/support/ssh-keygen.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { parseRemoteUrl, type RemoteUrl } from "../../domain/remote-url.ts";
import type { ScannedHostKey } from "../ports.ts";
import { createHostKeyScans } from "./host-key-scans.ts";
import { createOutboundPlaces } from "./outbound-places.ts";

const START = new Date("2026-01-01T00:00:00Z");
const url = parseRemoteUrl("ssh://git@git.example.com:2222/a.git").url;
const samePlace = parseRemoteUrl("ssh://other@GIT.example.com:2222/b.git").url;
const otherPort = parseRemoteUrl("ssh://git@git.example.com/a.git").url;

/** Somebody of this project. */
const of = (projectId: number, userId = projectId) => ({ userId, projectId });

/** Scans of a server that answers when it is told to. */
function makeScans() {
  const clock = new FakeClock(START);
  const asked: PromiseWithResolvers<readonly ScannedHostKey[]>[] = [];
  let isBlocked = false;
  let opened = 0;
  const instance = { allowLocalRequests: false, silentModeEnabled: false };
  const ports = {
    clock,
    instance: { externalUrl: "https://heliostat.example.com" },
    settings: { read: async () => instance },
    remotes: {
      async open(remoteUrl: RemoteUrl) {
        opened += 1;
        if (isBlocked) throw new HeliostatError("url-blocked", "Requests to localhost are not allowed");
        return { url: remoteUrl, credential: null, address: "192.0.2.1" };
      },
      scanHostKeys() {
        const answer = Promise.withResolvers<readonly ScannedHostKey[]>();
        asked.push(answer);
        return answer.promise;
      },
    },
  };
  const places = createOutboundPlaces(clock);
  const scans = createHostKeyScans(ports, places);
  return {
    scans,
    places,
    clock,
    asked,
    instance,
    opened: () => opened,
    block: () => {
      isBlocked = true;
    },
  };
}

test("one scan serves all who ask for the same server within ten minutes", async (t) => {
  const { algorithm, key } = await makeKey(await makeTempDir(t), "host", "-t", "ed25519");
  const { scans, clock, asked } = makeScans();
  const [first, second] = await Promise.all([scans.look(of(1), url), scans.look(of(1), samePlace)]);
  assert.equal(first.result, null);
  assert.equal(asked.length, 1);
  await scans.look(of(1), otherPort);
  await scans.look(of(2), url);
  assert.equal(asked.length, 3);

  asked[0]?.resolve([{ algorithm, key }]);
  const knownHosts = `[git.example.com]:2222 ${algorithm} ${key}`;
  assert.deepEqual(await second.done, { kind: "found", knownHosts });
  await clock.advance(599_000);
  assert.deepEqual((await scans.look(of(1), url)).result, { kind: "found", knownHosts });
  await clock.advance(2_000);
  assert.equal((await scans.look(of(1), url)).result, null);
  assert.equal(asked.length, 4);
});

test("a failure is remembered for seconds only, and thrown by who asks anew", async () => {
  const { scans, clock, asked } = makeScans();
  const { done } = await scans.look(of(1), url);
  asked[0]?.reject(new HeliostatError("remote-unreachable", "Connection refused"));
  assert.equal((await done).kind, "failed");
  assert.equal((await scans.look(of(1), url)).result?.kind, "failed");

  const anew = scans.lookAnew(of(1), url);
  await clock.advance(0);
  assert.equal(asked.length, 2);
  asked[1]?.reject(new HeliostatError("remote-timeout", "It says nothing"));
  await assert.rejects(anew, { code: "remote-timeout" });

  await clock.advance(21_000);
  await scans.look(of(1), url);
  assert.equal(asked.length, 3);
});

test("a refused URL is not scanned, and nobody scans without end", async () => {
  const { scans, clock, asked, block } = makeScans();
  await assert.rejects(scans.look(of(1), parseRemoteUrl("https://git.example.com/a.git").url), {
    code: "url-blocked",
  });
  const at = (port: number) => parseRemoteUrl(`ssh://git@git.example.com:${port}/a.git`).url;
  for (let port = 1; port <= 20; port += 1) await scans.look(of(1), at(port));
  await assert.rejects(scans.look(of(1), at(21)), { code: "too-many-scans" });
  await scans.look(of(2), at(21));
  await scans.look(of(1), at(1));
  assert.equal(asked.length, 21);
  await clock.advance(60_000);
  await scans.look(of(1), at(21));
  block();
  await assert.rejects(scans.look(of(1), at(22)), { code: "url-blocked" });
  assert.equal(asked.length, 22);
});

test("one user takes nobody else's places, with however many projects, nor by tests of connections", async () => {
  const { scans, places } = makeScans();
  const at = (port: number) => parseRemoteUrl(`ssh://git@git.example.com:${port}/a.git`).url;
  for (let project = 1; project <= 19; project += 1) await scans.look(of(project, 1), at(1));
  places.takeScan({ userId: 1, projectId: null });
  await assert.rejects(scans.look(of(20, 1), at(1)), { code: "too-many-scans" });
  await assert.rejects(scans.lookAnew(of(21, 1), at(1)), { code: "too-many-scans" });
  // Nor does what they were refused count for their projects.
  await scans.look(of(20, 2), at(1));
  for (let user = 3; user <= 101; user += 1) await scans.look(of(user), at(2));
  await assert.rejects(scans.look(of(102), at(2)), { code: "too-many-scans" });
});

test("in Silent Mode no server is asked", async () => {
  const { scans, instance, asked, opened } = makeScans();
  instance.silentModeEnabled = true;
  const refusal = { code: "model-invalid", message: /Silent Mode is on/ };
  await assert.rejects(scans.look(of(1), url), refusal);
  await assert.rejects(scans.lookAnew(of(1), url), refusal);
  assert.deepEqual([opened(), asked.length], [0, 0]);
  instance.silentModeEnabled = false;
  await scans.look(of(1), url);
  assert.deepEqual([opened(), asked.length], [1, 1]);
});
