import assert from "node:assert/strict";
import { test } from "node:test";
import {
  mirrorProgressSchema,
  mirrorUpdateEndSchema,
  mirrorUpdateSchema,
  wholeMirrorUpdateSchema,
} from "@heliostat/contract/api/mirrors.ts";
import { z } from "zod";
import { waitFor } from "../../../../../../test/support/wait-for.ts";
import type { ProgressEvent, UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { Mirror, MirrorUpdate } from "../../../domain/mirror.ts";
import { parseOid } from "../../../domain/oid.ts";
import { branchRef } from "../../../domain/ref-name.ts";
import { createInMemoryUseCases, ROOT, SECRETS } from "../../test-support/in-memory-use-cases.ts";
import { type Answer, type RunningServer, startServer } from "../../test-support/start-server.ts";

const BASE = "/api/v4/projects/1/mirrors/7";
const BEGAN = new Date("2026-01-02T03:04:05.678Z");

const UPDATE: MirrorUpdate = {
  id: 9,
  mirrorId: 7,
  trigger: "manual",
  status: "failed",
  startedAt: BEGAN,
  finishedAt: BEGAN,
  error: "Some refs were not updated",
  results: [
    { ref: branchRef("new"), outcome: "created", old: null, new: parseOid("a".repeat(40)) },
    {
      ref: branchRef("bad"),
      outcome: "rejected",
      old: parseOid("b".repeat(40)),
      new: null,
      message: "hook declined",
      reason: "hook-declined",
      fix: "Ask who runs the hook.",
    },
  ],
  notes: ["A note."],
  userId: ROOT.id,
  counts: { created: 1, rejected: 1, "up-to-date": 1, skipped: 1 },
  upToDate: [branchRef("same")],
  skipped: [branchRef("other")],
  bytesReceived: 3,
  bytesSent: 4,
  log: [{ at: BEGAN.toISOString(), text: "Started" }],
};

const RUNNING = {
  ...UPDATE,
  status: "started",
  finishedAt: null,
  error: null,
  counts: {},
  progress: { phase: "Receiving objects", done: 1, total: 2, bytes: 3, bytesPerSecond: 4 },
  isTakenUp: false,
} as const;

const MIRROR = { id: 7, updateStatus: "started" } as Mirror;

function serve(overrides: Partial<UseCases>): Promise<RunningServer> {
  return startServer(createInMemoryUseCases(overrides));
}

/** Exactly the keys of the contract. */
function fits<S extends z.ZodObject>(schema: S, value: unknown): z.output<S> {
  return z.strictObject(schema.shape).parse(value) as z.output<S>;
}

/** The events of a stream: name, id and data; comments are dropped. */
function eventsOf(text: string): { event: string; id: string | undefined; data: unknown }[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("event:"))
    .map((block) => {
      const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      return {
        event: fields.get("event") ?? "",
        id: fields.get("id"),
        data: JSON.parse(fields.get("data") ?? ""),
      };
    });
}

test("a list of updates is paged, and says who asked for each", async () => {
  const { results, ...rest } = UPDATE;
  await using server = await serve({
    listUpdates: async (_principal, _project, _mirror, page) => {
      assert.deepEqual(page, { page: 2, perPage: 1 });
      return { items: [{ update: { ...rest, results: results.slice(0, 1) }, user: ROOT }], total: 3 };
    },
  });
  const answer = await server.ask("GET", `${BASE}/updates?page=2&per_page=1`, { token: SECRETS.readApi });
  assert.equal(answer.status, 200, answer.text);
  const [update] = answer.json<unknown[]>().map((item) => fits(mirrorUpdateSchema, item));
  assert.equal(update?.user?.username, "root");
  assert.deepEqual([update?.counts.rejected, update?.counts.forced], [1, 0], "every outcome is counted");
  assert.equal(update?.refs.length, 1);
  assert.equal(answer.headers["x-total"], "3");
  assert.equal(answer.headers["x-next-page"], "3");
});

test("one update is answered whole, or only its refs of some outcomes", async () => {
  await using server = await serve({ findUpdate: async () => ({ update: UPDATE, user: null }) });
  const ask = async (query: string) =>
    fits(
      wholeMirrorUpdateSchema,
      (await server.ask("GET", `${BASE}/updates/9${query}`, { token: SECRETS.readApi })).json(),
    );
  const whole = await ask("");
  assert.deepEqual(
    whole.refs.map(({ ref, outcome }) => `${outcome} ${ref}`),
    [
      "created refs/heads/new",
      "rejected refs/heads/bad",
      "up-to-date refs/heads/same",
      "skipped refs/heads/other",
    ],
  );
  assert.deepEqual(whole.refs[1], {
    ref: "refs/heads/bad",
    outcome: "rejected",
    old_oid: "b".repeat(40),
    new_oid: null,
    message: "hook declined",
    reason: "hook-declined",
    fix: "Ask who runs the hook.",
  });
  assert.deepEqual([whole.bytes_received, whole.bytes_sent, whole.user], [3, 4, null]);
  assert.deepEqual(whole.log, [{ at: BEGAN.toISOString(), text: "Started" }]);
  const some = await ask("?outcome=rejected,skipped");
  assert.deepEqual(
    some.refs.map(({ outcome }) => outcome),
    ["rejected", "skipped"],
  );
  assert.equal(some.counts.created, 1, "the counts are those of the update all the same");
  const wrong = await server.ask("GET", `${BASE}/updates/9?outcome=done`, { token: SECRETS.readApi });
  assert.equal(wrong.status, 400);
});

test("the refs of one update come by pages to who asks for one, as lists do", async () => {
  await using server = await serve({ findUpdate: async () => ({ update: UPDATE, user: null }) });
  const ask = async (query: string) => {
    const answer = await server.ask("GET", `${BASE}/updates/9?${query}`, { token: SECRETS.readApi });
    assert.equal(answer.status, 200, answer.text);
    const { refs, counts } = fits(wholeMirrorUpdateSchema, answer.json());
    assert.equal(counts.created, 1);
    return { refs: refs.map(({ ref }) => ref.slice("refs/heads/".length)), headers: answer.headers };
  };
  const second = await ask("page=2&per_page=3");
  assert.deepEqual(second.refs, ["other"]);
  assert.deepEqual([second.headers["x-total"], second.headers["x-prev-page"]], ["4", "1"]);
  assert.match(String(second.headers["link"]), /per_page=3>; rel="first"/);
  const first = await ask("outcome=rejected,skipped&per_page=1");
  assert.deepEqual(first.refs, ["bad"]);
  assert.deepEqual([first.headers["x-total"], first.headers["x-next-page"]], ["2", "2"]);
  assert.deepEqual((await ask("page=1")).refs, ["new", "bad", "same", "other"]);
  const whole = await ask("");
  assert.deepEqual([whole.refs.length, whole.headers["x-total"]], [4, undefined]);
  const wrong = await server.ask("GET", `${BASE}/updates/9?per_page=0`, { token: SECRETS.readApi });
  assert.deepEqual([wrong.status, wrong.json()], [400, { error: "per_page has a value not allowed" }]);
});

test("progress reads null while nothing runs, and tells all while something does", async () => {
  for (const update of [null, RUNNING]) {
    await using server = await serve({ readProgress: async () => ({ mirror: MIRROR, update }) });
    const answer = await server.ask("GET", `${BASE}/progress`, { token: SECRETS.readApi });
    assert.deepEqual(fits(mirrorProgressSchema, answer.json()), {
      mirror_id: 7,
      status: "started",
      update_id: update && 9,
      trigger: update && "manual",
      started_at: update && BEGAN.toISOString(),
      phase: update && "Receiving objects",
      done: update && 1,
      total: update && 2,
      bytes: update && 3,
      bytes_per_second: update && 4,
    });
  }
});

test("progress comes as events to who asks for them by header or by path, up to the end", async () => {
  const asked: unknown[] = [];
  await using server = await serve({
    watchProgress: async (_principal, _project, _mirror, { after }) => {
      asked.push(after);
      return (async function* (): AsyncGenerator<ProgressEvent> {
        yield { kind: "progress", progress: { mirror: MIRROR, update: RUNNING } };
        yield { kind: "end", update: { ...UPDATE, progress: null, isTakenUp: false } };
      })();
    },
  });
  const token = SECRETS.readApi;
  const accept = "text/event-stream";
  const answers: readonly Answer[] = [
    await server.ask("GET", `${BASE}/progress`, { token, headers: { accept } }),
    await server.ask("GET", `${BASE}/progress/stream?after=5`, { token }),
    // A client that lost the connection in the middle of update 9 is to hear of its end.
    await server.ask("GET", `${BASE}/progress?after=5`, { token, headers: { accept, "last-event-id": "9" } }),
  ];
  assert.deepEqual(asked, [null, 5, 8]);
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "text/event-stream");
    const [progress, end, ...more] = eventsOf(answer.text);
    assert.deepEqual([progress?.event, progress?.id, end?.event, end?.id], ["progress", "9", "end", "9"]);
    assert.equal(fits(mirrorProgressSchema, progress?.data).phase, "Receiving objects");
    assert.equal(fits(mirrorUpdateEndSchema, end?.data).error, "Some refs were not updated");
    assert.deepEqual(more, []);
  }
  const head = await server.ask("HEAD", `${BASE}/progress/stream`, { token });
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("a refusal is a plain answer; what goes wrong later is the last event", async () => {
  const gone = new HeliostatError("not-found", "Not found");
  await using refusing = await serve({
    watchProgress: async () => {
      throw gone;
    },
  });
  const refused = await refusing.ask("GET", `${BASE}/progress/stream`, { token: SECRETS.readApi });
  assert.deepEqual([refused.status, refused.json()], [404, { message: "404 Not found" }]);

  await using full = await serve({
    watchProgress: async () => {
      throw new HeliostatError("too-many-streams", "Too many.");
    },
  });
  const throttled = await full.ask("GET", `${BASE}/progress/stream`, { token: SECRETS.readApi });
  assert.deepEqual([throttled.status, throttled.json()], [429, { message: "Too many." }]);
  assert.equal(throttled.headers["retry-after"], "5");
  assert.ok(!full.log.some(({ level }) => level === "error"), "nothing is wrong with the server");

  for (const error of [gone, new Error("a secret of ours")]) {
    await using failing = await serve({
      watchProgress: async () =>
        (async function* (): AsyncGenerator<ProgressEvent> {
          yield { kind: "progress", progress: { mirror: MIRROR, update: null } };
          throw error;
        })(),
    });
    const { text } = await failing.ask("GET", `${BASE}/progress/stream`, { token: SECRETS.readApi });
    const message = error === gone ? "404 Not found" : "500 Internal Server Error";
    assert.deepEqual(eventsOf(text).at(-1), { event: "error", id: undefined, data: { message } });
    assert.equal(
      failing.log.some(({ level }) => level === "error"),
      error !== gone,
    );
  }
});

test("a stream ends when its client goes away, and when the server closes", async () => {
  for (const who of ["client", "server"] as const) {
    const signals: AbortSignal[] = [];
    const server = await serve({
      watchProgress: async (_principal, _project, _mirror, { signal }) => {
        signals.push(signal);
        return (async function* (): AsyncGenerator<ProgressEvent> {
          yield { kind: "progress", progress: { mirror: MIRROR, update: null } };
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        })();
      },
    });
    const leave = new AbortController();
    const answer = await fetch(`${server.url}${BASE}/progress/stream`, {
      headers: { "private-token": SECRETS.readApi },
      signal: leave.signal,
    });
    const reader = answer.body?.getReader();
    await reader?.read();
    assert.equal(signals[0]?.aborted, false);
    if (who === "client") {
      leave.abort();
      await waitFor(() => signals[0]?.aborted, { message: "the stream ends with its client" });
      await server[Symbol.asyncDispose]();
    } else {
      await server[Symbol.asyncDispose]();
      for (;;) if ((await reader?.read())?.done !== false) break;
    }
    assert.equal(signals[0]?.aborted, true);
  }
});
