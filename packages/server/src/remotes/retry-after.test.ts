import assert from "node:assert/strict";
import { test } from "node:test";
import { changeOf, makeMemoryLog, openRemote } from "../../../../test/support/git-adapter.ts";
import { HeliostatError } from "../domain/errors.ts";
import { ADVERTISEMENT, type Answer, http, OID, send, startRawPeer, V2 } from "./raw-peer.test-support.ts";
import { createRemotes } from "./remotes.ts";

const HOUR = 3_600_000;
const SENT = Date.UTC(2026, 0, 1, 12);
const dateHeader = (ms: number): string => new Date(ms).toUTCString();

/** `Retry-After`, its answer's other headers, and the seconds that we make of it. */
const WAITS: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
  ["120", {}, 120],
  ["99999999", {}, 86_400],
  ["0", {}, undefined],
  ["-5", {}, undefined],
  ["1.5", {}, undefined],
  ["soon", {}, undefined],
  ["1 apple", {}, undefined],
  ["", {}, undefined],
  [dateHeader(SENT + 90_000), { Date: dateHeader(SENT) }, 90],
  [dateHeader(SENT - HOUR), { Date: dateHeader(SENT) }, undefined],
  [dateHeader(SENT + 1000 * HOUR), { Date: dateHeader(SENT) }, 86_400],
  [dateHeader(SENT), { Date: "garbage" }, undefined],
];

for (const status of ["429 Too Many Requests", "503 Service Unavailable"]) {
  test(`HTTP ${status}: how long the remote asks to be left alone is read, and garbage is not`, async (t) => {
    for (const [wait, headers, expected] of WAITS) {
      const peer = await startRawPeer(t, send(http(status, { "Retry-After": wait, ...headers })));
      const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test" });
      t.after(() => remotes.close());
      const remote = openRemote(`http://127.0.0.1:${peer.port}/a.git`);
      const isBusy = (error: unknown): boolean => {
        assert.ok(error instanceof HeliostatError);
        assert.deepEqual([error.code, error.retryAfterSeconds], ["remote-busy", expected], wait);
        return true;
      };
      await assert.rejects(remotes.listRefs(remote, { signal: t.signal }), isBusy);
      const push = remotes.openPush(remote, () => Promise.reject(new Error("no pack")), { signal: t.signal });
      await assert.rejects(push([changeOf("refs/heads/main", null, OID)]), isBusy);
    }
  });
}

test("each request of a listing is read for Retry-After: v2's second, and the HEAD of a dumb remote", async (t) => {
  const busy = http("503 No", { "Retry-After": "7" });
  const dumb = http("200 OK", { "Content-Type": "text/plain" }, `${OID}\trefs/heads/main\n`);
  const cases: readonly Answer[] = [
    (socket, request) =>
      void socket.write(request.startsWith("POST") ? busy : http("200 OK", ADVERTISEMENT, V2)),
    (socket, request) => void socket.write(request.includes("/HEAD ") ? busy : dumb),
  ];
  for (const answer of cases) {
    const peer = await startRawPeer(t, answer);
    const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test" });
    t.after(() => remotes.close());
    const listing = remotes.listRefs(openRemote(`http://127.0.0.1:${peer.port}/a.git`), { signal: t.signal });
    await assert.rejects(listing, { code: "remote-busy", retryAfterSeconds: 7 });
  }
});

test("a 403 is a refusal, unless it says when to come back", async (t) => {
  for (const [headers, code] of [
    [{}, "remote-forbidden"],
    [{ "Retry-After": "60" }, "remote-busy"],
  ] as const) {
    const peer = await startRawPeer(t, send(http("403 Forbidden", headers)));
    const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test" });
    t.after(() => remotes.close());
    const listing = remotes.listRefs(openRemote(`http://127.0.0.1:${peer.port}/a.git`), { signal: t.signal });
    await assert.rejects(listing, { code });
  }
});
