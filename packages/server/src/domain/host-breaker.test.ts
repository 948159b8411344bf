import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorCode } from "@heliostat/contract";
import {
  addHostFailure,
  type HostTrouble,
  hostSignOf,
  mayBeOfAddress,
  SILENT_CODES,
  wasReached,
} from "./host-breaker.ts";

const T0 = new Date("2030-01-01T00:00:00Z");
const seconds = (count: number) => new Date(T0.getTime() + count * 1000);

interface Failure {
  readonly at: number;
  readonly isProbe?: boolean;
  readonly retryAfter?: number;
}

/** Seconds after T0 until which the host is paused, after each of these failures. */
function pausesAfter(...failures: readonly Failure[]): (number | null)[] {
  let host: HostTrouble | null = null;
  return failures.map(({ at, isProbe = false, retryAfter }) => {
    host = addHostFailure(host, { error: "no", now: seconds(at), isProbe, retryAfterSeconds: retryAfter });
    return host.pausedUntil === null ? null : (host.pausedUntil.getTime() - T0.getTime()) / 1000;
  });
}

describe("addHostFailure", () => {
  it("pauses a host at the third failure in a row", () => {
    assert.deepEqual(pausesAfter({ at: 0 }, { at: 10 }, { at: 20 }), [null, null, 80]);
  });

  it("doubles the pause with each failed probe, up to ten minutes", () => {
    const probes = [80, 200, 440, 920, 1520].map((at) => ({ at, isProbe: true }));
    const pauses = pausesAfter({ at: 0 }, { at: 10 }, { at: 20 }, ...probes);
    assert.deepEqual(pauses.slice(3), [200, 440, 920, 1520, 2120]);
  });

  it("does not count what was under way when the pause began", () => {
    const late = [21, 22, 23].map((at) => ({ at }));
    assert.deepEqual(pausesAfter({ at: 0 }, { at: 10 }, { at: 20 }, ...late).slice(2), [80, 80, 80, 80]);
  });

  it("pauses at once for as long as the host asks, but not for ever", () => {
    assert.deepEqual(pausesAfter({ at: 0, retryAfter: 30 }), [30]);
    assert.deepEqual(pausesAfter({ at: 0, retryAfter: 999_999 }), [3600]);
    const asksLonger = pausesAfter(
      { at: 0, retryAfter: 30 },
      { at: 1, retryAfter: 50 },
      { at: 2, retryAfter: 10 },
    );
    assert.deepEqual(asksLonger, [30, 51, 51]);
    assert.deepEqual(pausesAfter({ at: 0, retryAfter: 30 }, { at: 30, isProbe: true }), [30, 90]);
  });
});

describe("hostSignOf", () => {
  it("takes any answer for one, and says nothing where nobody was asked", () => {
    assert.deepEqual(
      (
        [
          "remote-timeout",
          "remote-busy",
          "remote-credential",
          "remote-tls",
          "remote-noise",
          "url-blocked",
          "cancelled",
        ] as const
      ).map(hostSignOf),
      ["silence", "busy", "answer", "answer", "answer", null, null],
    );
  });

  it("lets a host be answered for by whatever it shows or refuses", () => {
    const codes: readonly ErrorCode[] = [
      ...(["ssh-key-refused", "host-key-missing", "host-key-changed", "host-key-revoked"] as const),
      ...(["remote-not-ssh", "ssh-algorithms", "too-many-refs", "repository-too-large"] as const),
      "fsck-refused",
    ];
    for (const code of codes) assert.equal(hostSignOf(code), "answer", code);
  });

  it("knows what was the proxy's, and who was reached all the same", () => {
    const facts = (
      ["remote-proxy", "remote-timeout", "remote-closed", "remote-tls", "url-blocked"] as const
    ).map((code) => [hostSignOf(code), wasReached(code), mayBeOfAddress(code)]);
    assert.deepEqual(facts, [
      [null, false, true],
      ["silence", false, true],
      ["silence", true, false],
      ["answer", true, false],
      [null, false, false],
    ]);
    assert.deepEqual([...SILENT_CODES].sort(), ["remote-closed", "remote-timeout", "remote-unreachable"]);
  });
});
