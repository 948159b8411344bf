import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  mirrorProgressSchema,
  mirrorSchema,
  mirrorUpdateEndSchema,
  mirrorUpdateSchema,
  wholeMirrorUpdateSchema,
} from "@heliostat/contract/api/mirrors.ts";
import { type Api, createApi, projectPath } from "../support/api.ts";
import { startGatedProxy } from "../support/gated-proxy.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeNoise } from "../support/incompressible.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf, setRef } from "../support/repositories.ts";
import { type HeliostatRun, type HeliostatRunOptions, runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

/** A password that no output, no log and no process list may ever show. */
const SECRET = "planted-Pa55word";

/** Of the upstream whose pull is watched: enough to last while one looks. */
const SIZE = 16 * 1024 * 1024;

let server: TestServer;
let api: Api;
let peer: GitHttpPeer;
let root: string;
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  root = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  peer = await startGitHttpPeer({ root });
  cleanups.push(() => peer.close());
  server = await startServer();
  api = createApi(server);
});

after(async () => {
  await server?.stop();
  for (const clean of cleanups.reverse()) await clean();
});

/** Runs `heliostat mirror …` against the server, with root's token. */
function mirror(args: readonly string[], options: HeliostatRunOptions = {}): Promise<HeliostatRun> {
  const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token };
  return runHeliostat(["mirror", ...args], env, options);
}

/** Runs it, fails unless it exits so, and answers what it printed. */
async function expectExit(code: number, args: readonly string[], input = ""): Promise<string> {
  const run = await mirror(args, { input });
  assert.equal(run.exitCode, code, `${args.join(" ")}: ${run.stdout}${run.stderr}`);
  return run.stdout;
}

async function makeUpstream(name: string): Promise<string> {
  const path = join(root, `${name}.git`);
  await makeRepository(path);
  await makeCommit(path);
  return path;
}

test("a pull mirror is added, listed, shown, started and removed", async () => {
  const upstream = await makeUpstream("up");
  await api.createProject("pulled");
  const url = peer.urlOf("up.git");

  const added = await expectExit(0, [
    ...["add", "root/pulled", url, "--direction", "pull"],
    ...["--interval", "2h", "--tags", "none", "--wait"],
  ]);
  assert.match(added, /Mirror \d+ added\./);
  assert.match(added, /Finished: .*1 created/);
  const listed = await expectExit(0, ["list", "root/pulled"]);
  const [heading, line, ...more] = listed.trimEnd().split("\n");
  assert.match(heading ?? "", /^ID +PROJECT +DIRECTION +URL +STATUS +LAST SUCCESS$/);
  assert.match(line ?? "", new RegExp(`^\\d+ +root/pulled +pull +${url} +finished +20`));
  assert.deepEqual(more, []);

  const shown = await expectExit(0, ["show", "root/pulled", "pull"]);
  assert.match(shown, new RegExp(`root/pulled pulls from ${url}`));
  assert.match(shown, /interval_seconds +7200/);
  assert.match(shown, /mirror_tags +none/);
  assert.match(shown, /finished +configured +root +1 created/);

  await makeCommit(upstream);
  assert.match(await expectExit(0, ["sync", "root/pulled", "pull"]), /starts (now|at 20)/);
  const asJson = JSON.parse(await expectExit(0, ["show", "root/pulled", "pull", "--json"]));
  assert.equal(mirrorSchema.parse(asJson.mirror).url, url);
  assert.ok(mirrorUpdateSchema.array().parse(asJson.updates).length >= 1);

  const kept = await mirror(["remove", "root/pulled", "pull"]);
  assert.equal(kept.exitCode, 2);
  assert.match(kept.stderr, /--yes/);
  assert.match(await expectExit(0, ["remove", "root/pulled", "pull", "--yes"]), /removed/);
  assert.match(await expectExit(0, ["list", "root/pulled"]), /There are no mirrors/);
  assert.deepEqual(JSON.parse(await expectExit(0, ["list", "root/pulled", "--json"])), []);
});

test("a push mirror takes its password from a pipe, and nobody gets to see it", async () => {
  const auth = { username: "bot", password: SECRET };
  const directory = join(root, "locked");
  await mkdir(directory);
  const locked = await startGitHttpPeer({ root: directory, auth });
  cleanups.push(() => locked.close());
  const downstream = join(directory, "down.git");
  await makeRepository(downstream);
  await git(downstream, ["config", "http.receivepack", "true"]);
  await api.createProject("pushed");
  await api.createPullMirror("root/pushed", peer.urlOf(await pathOf("source")));
  await api.waitForMirror("root/pushed", "pull", "finished");

  const out = await expectExit(
    0,
    [
      ...["add", "root/pushed", locked.urlOf("down.git"), "--direction", "push"],
      ...["--username", "bot", "--password-stdin", "--keep-divergent-refs", "--wait", "--json"],
    ],
    `${SECRET}\n`,
  );
  const { mirror: made, update } = JSON.parse(out);
  assert.equal(mirrorSchema.parse(made).keep_divergent_refs, true);
  const whole = wholeMirrorUpdateSchema.parse(update);
  assert.deepEqual([whole.status, whole.counts.created, whole.user?.username], ["finished", 1, "root"]);
  assert.ok(whole.bytes_sent > 0, "the pack was counted");
  assert.deepEqual(Object.keys(await refsOf(downstream)), ["refs/heads/main"]);
  const shown = await expectExit(0, ["show", "root/pushed", String(made.id), "--json"]);
  for (const text of [out, shown, server.output()]) assert.ok(!text.includes(SECRET));

  const refused = await mirror([
    ...["add", "root/pushed", `http://bot:${SECRET}@127.0.0.1/x.git`, "--direction", "push"],
  ]);
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /--password-stdin/);
  assert.ok(!refused.stderr.includes(SECRET));
});

async function pathOf(name: string): Promise<string> {
  await makeUpstream(name);
  return `${name}.git`;
}

test("an update is watched while it runs: by the bar's words, by JSON lines, and by the API", async () => {
  const path = join(root, "large.git");
  await makeRepository(path);
  await makeNoise(path, SIZE);
  const proxy = await startGatedProxy(peer);
  cleanups.push(() => proxy.close());
  await api.createProject("watched");
  void proxy.hold("from-target", 1024 * 1024);
  await api.createPullMirror("root/watched", proxy.urlOf("large.git"));

  /** Waits for something while the transfer goes on a little at a time: git says nothing while nothing comes. */
  const trickleUntil = <T>(message: string, ask: () => T | Promise<T>) =>
    waitFor(
      async () => {
        proxy.open();
        void proxy.hold("from-target", 16 * 1024);
        return await ask();
      },
      { timeoutMs: 60_000, message },
    );
  const { id } = await api.readPullMirror("root/watched");
  const progressPath = `${projectPath("root/watched")}/mirrors/${id}/progress`;
  const seen = await trickleUntil("the progress tells of the bytes", async () => {
    const now = mirrorProgressSchema.parse(await api.get(progressPath));
    return now.bytes !== null && now.bytes > 1024 * 1024 && now;
  });
  assert.equal(seen.status, "started");
  assert.equal(seen.phase, "Receiving objects");
  assert.equal(seen.trigger, "configured");
  assert.ok(seen.total !== null && seen.done !== null && seen.done < seen.total);

  let printed = "";
  let printedAsJson = "";
  const lines = mirror(["watch", "root/watched"], { onStdout: (text) => (printed = text) });
  const json = mirror(["watch", "root/watched", "pull", "--json"], {
    onStdout: (text) => (printedAsJson = text),
  });
  const { body } = await fetch(`${server.url}/api/v4${progressPath}`, {
    headers: { "private-token": server.token, accept: "text/event-stream" },
  });
  const reader = body?.getReader();
  await reader?.read();
  await trickleUntil("both watch", () => printed !== "" && printedAsJson !== "");
  proxy.open();

  const [watched, watchedAsJson] = await Promise.all([lines, json]);
  assert.equal(watched.exitCode, 0, watched.stderr);
  assert.match(watched.stdout, /^Receiving objects \d+\/\d+, .* MiB/m);
  assert.match(watched.stdout, /^Finished: .*1 created/m);
  assert.equal(watchedAsJson.exitCode, 0, watchedAsJson.stderr);
  const events = watchedAsJson.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.ok(
    events
      .slice(0, -1)
      .every(({ event, ...rest }) => event === "progress" && mirrorProgressSchema.parse(rest)),
  );
  const end = mirrorUpdateEndSchema.parse(events.at(-1));
  assert.deepEqual([events.at(-1).event, end.status, end.counts.created], ["end", "finished", 1]);
  for (;;) if ((await reader?.read())?.done !== false) break;

  const update = await api.readUpdate("root/watched", "pull", end.id);
  assert.ok(update.bytes_received >= SIZE, `${update.bytes_received} bytes received`);
  const log = update.log.map(({ text }) => text);
  assert.match(log[0] ?? "", /^Started: /);
  assert.ok(
    log.some((text) => /^Listed 1 ref of the remote in \d+ ms$/.test(text)),
    log.join("\n"),
  );
  assert.ok(
    log.some((text) => /^Received everything that 1 ref lead/.test(text)),
    log.join("\n"),
  );
  assert.ok(log.includes("Planned 1 change: 1 create"), log.join("\n"));
  assert.match(log.at(-1) ?? "", /^Finished \(1 created\)$/);
  const idle = mirrorProgressSchema.parse(await api.get(progressPath));
  assert.deepEqual([idle.status, idle.update_id, idle.phase], ["finished", null, null]);
});

test("a failed update is exit code 1, with the refs that were left behind and why", async () => {
  const downstream = join(root, "strict.git");
  await makeRepository(downstream);
  await git(downstream, ["config", "http.receivepack", "true"]);
  await writeFile(join(downstream, "hooks", "update"), '#!/bin/sh\n[ "$1" != refs/heads/bad ]\n', {
    mode: 0o755,
  });
  const upstream = await makeUpstream("mixed");
  await setRef(upstream, "refs/heads/bad", await makeCommit(upstream, { ref: "refs/heads/bad" }));
  await api.createProject("mixed");
  await api.createPullMirror("root/mixed", peer.urlOf("mixed.git"));
  await api.waitForMirror("root/mixed", "pull", "finished");
  const out = await expectExit(1, [
    ...["add", "root/mixed", peer.urlOf("strict.git"), "--direction", "push", "--wait"],
  ]);
  assert.match(out, /^Failed: Some refs were not updated.*1 rejected/m);
  assert.match(out, /^ {2}rejected refs\/heads\/bad: /m);
  const [, push] = mirrorSchema.array().parse(await api.get(`${projectPath("root/mixed")}/mirrors`));
  assert.ok(push);
  const filtered = wholeMirrorUpdateSchema.parse(
    await api.get(
      `${projectPath("root/mixed")}/mirrors/${push.id}/updates/${(await api.listUpdates("root/mixed", push.id))[0]?.id}?outcome=rejected`,
    ),
  );
  assert.deepEqual(
    filtered.refs.map(({ ref }) => ref),
    ["refs/heads/bad"],
  );
  const ambiguous = await mirror(["watch", "root/mixed"]);
  assert.equal(ambiguous.exitCode, 2);
  assert.match(ambiguous.stderr, /Name one of the mirrors: \d+ \(pulls from .*\), \d+ \(pushes to /);
});

test("an update is cancelled, and whoever watches it is told", async () => {
  const path = join(root, "held.git");
  await makeRepository(path);
  await makeNoise(path, 4 * 1024 * 1024);
  const proxy = await startGatedProxy(peer);
  cleanups.push(() => proxy.close());
  await api.createProject("held");
  const held = proxy.hold("from-target", 1024 * 1024);
  await api.createPullMirror("root/held", proxy.urlOf("held.git"));
  await held;
  const { promise: isWatched, resolve } = Promise.withResolvers<void>();
  const watching = mirror(["watch", "root/held"], { onStdout: () => resolve() });
  await isWatched;
  await expectExit(0, ["cancel", "root/held", "pull"]);
  const watched = await watching;
  assert.equal(watched.exitCode, 1, watched.stderr);
  assert.match(watched.stdout, /^Cancelled: /m);
  await server.assertNoGitLeft();
});

test("waiting ends with the reason when Silent Mode keeps the update from coming", async (t) => {
  await makeUpstream("silent");
  await api.createProject("silent");
  await api.put("/application/settings", { silent_mode_enabled: true });
  t.after(() => api.put("/application/settings", { silent_mode_enabled: false }));
  const run = await mirror(["add", "root/silent", peer.urlOf("silent.git"), "--direction", "pull", "--wait"]);
  assert.equal(run.exitCode, 1, run.stdout);
  assert.match(run.stderr, /No update will come for now: Silent Mode/);
});

test("a URL that is refused when the update begins is told in GitLab's words", async () => {
  await makeUpstream("local");
  await api.createProject("local");
  await api.createPullMirror("root/local", peer.urlOf("local.git"));
  await api.waitForMirror("root/local", "pull", "finished");
  const allow = (value: boolean) =>
    api.put("/application/settings", { allow_local_requests_from_web_hooks_and_services: value });
  await allow(false);
  try {
    const id = (await api.readPullMirror("root/local")).id;
    // At once, where the API would keep the minimum interval.
    await api.put(`${projectPath("root/local")}/mirrors/${id}`, { mirror_branch_regex: "." });
    const { error } = await api.waitForMirror("root/local", "pull", "failed");
    assert.equal(error, "The import URL is invalid: Requests to localhost are not allowed");
  } finally {
    await allow(true);
  }
});

test("every option of a mirror is changed by name, and what is not named stays", async () => {
  await makeUpstream("edited");
  await api.createProject("edited");
  const url = peer.urlOf("edited.git");
  const make = ["add", "root/edited", url, "--direction", "pull", "--branches", "^main$", "--wait"];
  await expectExit(0, make);
  const pull = ["edit", "root/edited", "pull"];
  const told = await expectExit(0, [
    ...[...pull, "--interval", "2h", "--tags", "none", "--deletions", "never", "--overwrite-diverged"],
    ...["--follow-default-branch", "--adaptive"],
  ]);
  assert.match(told, /^ {2}interval_seconds +- → 7200$/m);
  assert.match(told, /^ {2}mirror_tags +all → none$/m);
  assert.doesNotMatch(told, /mirror_branch_regex|update_status/);
  const json = mirrorSchema.parse(JSON.parse(await expectExit(0, [...pull, "--only-protected", "--json"])));
  const { only_protected_branches, mirror_branch_regex, interval_seconds, adaptive_interval } = json;
  assert.deepEqual(
    [only_protected_branches, mirror_branch_regex, interval_seconds, adaptive_interval],
    [true, null, 7200, true],
  );
  const back = ["--all-branches", "--interval", "default", "--no-adaptive", "--no-overwrite-diverged"];
  const after = mirrorSchema.parse(
    JSON.parse(await expectExit(0, [...pull, ...back, "--no-follow-default-branch", "--disable", "--json"])),
  );
  assert.deepEqual(
    [after.only_protected_branches, after.interval_seconds, after.adaptive_interval, after.enabled],
    [false, null, false, false],
  );
  const secret = await expectExit(0, [...pull, "--username", "bot", "--password-stdin"], `${SECRET}\n`);
  assert.match(secret, /The new password is stored/);
  assert.ok(!secret.includes(SECRET));
  for (const [args, message] of [
    [[], /Nothing is to be changed/],
    [["--keep-divergent-refs"], /--keep-divergent-refs is for push mirrors/],
    [["--branches", "x", "--only-protected"], /--branches and --only-protected exclude each other/],
    [["--new-url", `http://bot:${SECRET}@127.0.0.1/x.git`], /--password-stdin/],
    [["--client-key", "x"], /--client-key needs --client-certificate/],
    [["--deletions", "alwys"], /Did you mean always\?/],
  ] as const) {
    const run = await mirror([...pull, ...args]);
    assert.deepEqual([run.exitCode, run.stdout], [2, ""], run.stderr);
    assert.match(run.stderr, message);
  }
});

test("a mirror is named by its direction where the project has one of it", async () => {
  await makeUpstream("named");
  await api.createProject("named");
  await expectExit(0, ["add", "root/named", peer.urlOf("named.git"), "--direction", "pull", "--disabled"]);
  const none = await mirror(["show", "root/named", "push"]);
  assert.equal(none.exitCode, 1);
  assert.match(none.stderr, /root\/named has no push mirror\. These are there: \d+ \(pulls from /);
  for (const copy of ["one.git", "two.git"]) {
    await expectExit(0, ["add", "root/named", peer.urlOf(copy), "--direction", "push", "--disabled"]);
    const run = await mirror(["show", "root/named", "push"]);
    if (copy === "one.git") assert.match(run.stdout, /pushes to .*one\.git/);
    else {
      assert.equal(run.exitCode, 2);
      assert.match(run.stderr, /several, take an id: .*one\.git.*two\.git/);
    }
  }
  const missing = await mirror(["sync", "root/named", "99999"]);
  assert.deepEqual([missing.exitCode, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /root\/named has no mirror 99999: heliostat mirror list/);
});

test("updates are listed and shown with what became of each ref", async () => {
  const upstream = await makeUpstream("history");
  await api.createProject("history");
  await expectExit(0, ["add", "root/history", peer.urlOf("history.git"), "--direction", "pull", "--wait"]);
  await makeCommit(upstream);
  // At once, where a start would keep the minimum interval.
  await expectExit(0, ["edit", "root/history", "pull", "--tags", "none"]);
  await waitFor(
    async () => {
      const [newest] = await api.listUpdates("root/history", "pull");
      return newest?.counts["fast-forward"] === 1 && newest.finished_at !== null;
    },
    { timeoutMs: 60_000, message: "the second update is over" },
  );
  const updates = async (args: readonly string[]) => {
    const run = await runHeliostat(["updates", ...args], {
      HELIOSTAT_URL: server.url,
      HELIOSTAT_TOKEN: server.token,
    });
    assert.equal(run.stderr, "");
    return run.stdout;
  };
  const listed = await updates(["list", "root/history"]);
  assert.match(listed, /^ID +STARTED +STATUS +TRIGGER +BY +REFS +TRANSFERRED$/m);
  assert.match(listed, /finished +\S+ +root +1 fast-forward/);
  const all = mirrorUpdateSchema.array().parse(JSON.parse(await updates(["list", "root/history", "--json"])));
  assert.equal(
    JSON.parse(await updates(["list", "root/history", "pull", "--limit", "1", "--json"])).length,
    1,
  );
  const first = await updates(["show", "root/history", "pull", String(all.at(-1)?.id), "--log"]);
  assert.match(first, /^created +refs\/heads\/main +- +[0-9a-f]{10}$/m);
  assert.match(first, /^\S+Z {2}Started: /m);
  assert.match(
    await updates(["show", "root/history"]),
    /^fast-forward +refs\/heads\/main +[0-9a-f]{10} +[0-9a-f]{10}$/m,
  );
  const none = await updates(["show", "root/history", "pull", "--outcome", "rejected"]);
  assert.doesNotMatch(none, /refs\/heads/);
});

test("a mirror says what it waits for, and what an update would do", async () => {
  const upstream = await makeUpstream("foreseen");
  await api.createProject("foreseen");
  await expectExit(0, ["add", "root/foreseen", peer.urlOf("foreseen.git"), "--direction", "pull", "--wait"]);
  await makeCommit(upstream);
  const before = (await api.listUpdates("root/foreseen", "pull")).length;
  const preview = await expectExit(0, ["preview", "root/foreseen"]);
  assert.match(preview, /^An update would find: 1 fast-forward\. Nothing was changed\.$/m);
  assert.match(preview, /^fast-forward +refs\/heads\/main +[0-9a-f]{10} +[0-9a-f]{10}$/m);
  assert.equal((await api.listUpdates("root/foreseen", "pull")).length, before);
  await expectExit(0, ["edit", "root/foreseen", "pull", "--disable"]);
  assert.match(await expectExit(0, ["explain", "root/foreseen", "pull"]), /^Due +-$/m);
  const { waiting_for } = JSON.parse(await expectExit(0, ["explain", "root/foreseen", "--json"]));
  assert.equal(waiting_for, "disabled");
});

test("Ctrl-C ends the watching, and not the update", async () => {
  const path = join(root, "long.git");
  await makeRepository(path);
  await makeNoise(path, 4 * 1024 * 1024);
  const proxy = await startGatedProxy(peer);
  cleanups.push(() => proxy.close());
  await api.createProject("long");
  const held = proxy.hold("from-target", 1024 * 1024);
  await api.createPullMirror("root/long", proxy.urlOf("long.git"));
  await held;
  const stop = new AbortController();
  const watched = await mirror(["watch", "root/long"], {
    onStdout: () => stop.abort(),
    interrupt: stop.signal,
  });
  assert.equal(watched.exitCode, 130, watched.stderr);
  assert.match(watched.stderr, /^heliostat: Nobody watches any more; the update goes on\./);
  proxy.open();
  const update = await api.waitForMirror("root/long", "pull", "finished");
  assert.equal(update.status, "finished");
});

test("what cannot work is said in plain words, with what to do", async () => {
  const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token };
  const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>, number, RegExp])[] = [
    [["list", "root/none"], env, 1, /Project Not Found/],
    [
      ["list", "--url", "http://127.0.0.1:1"],
      env,
      1,
      /Cannot reach the server at .*Start it with "npm start"/,
    ],
    [["list"], { ...env, HELIOSTAT_TOKEN: "wrong" }, 1, /does not accept the token from HELIOSTAT_TOKEN/],
    // Root's token is for the server of this machine, and for no other.
    [["list"], { HELIOSTAT_URL: server.url, HELIOSTAT_ADMIN_TOKEN: server.token }, 2, /No token for http/],
    [["list", "--token-file", "/nonexistent"], env, 2, /--token-file \/nonexistent cannot be read/],
    [["add", "root/none", "https://example.com/a.git"], env, 2, /--direction/],
    [["show", "root/none", "push"], env, 1, /Project Not Found/],
    [
      ["add", "root/cmd", "ftp://example.com/a", "--direction", "pull"],
      env,
      2,
      /is blocked: Only allowed schemes/,
    ],
  ];
  await api.createProject("cmd");
  for (const [args, variables, code, message] of cases) {
    const run = await runHeliostat(["mirror", ...args], variables);
    assert.equal(run.exitCode, code, `${args.join(" ")}: ${run.stdout}${run.stderr}`);
    assert.match(run.stderr, message);
    assert.equal(run.stdout, "");
  }
});

test("on the server's own machine, server and token are found", async () => {
  const dataDir = join(root, "data");
  await mkdir(dataDir);
  await writeFile(join(dataDir, "initial-root-secrets"), `password=x\ntoken=${server.token}\n`, {
    mode: 0o600,
  });
  const { host } = new URL(server.url);
  for (const env of [
    { HELIOSTAT_DATA_DIR: dataDir },
    { HELIOSTAT_DATA_DIR: join(root, "none"), HELIOSTAT_ADMIN_TOKEN: server.token },
  ]) {
    const run = await runHeliostat(["mirror", "list", "--json"], { HELIOSTAT_HTTP_LISTEN: host, ...env });
    assert.equal(run.exitCode, 0, run.stderr);
    assert.ok(JSON.parse(run.stdout).length > 0);
  }
  const file = join(root, "token");
  await writeFile(file, `${server.token}\n`);
  await expectExit(0, ["list", "--token-file", file]);
});

test("every command says how it is used, with an example", async () => {
  for (const command of ["add", "edit", "list", "show", "sync", "cancel", "remove", "watch"]) {
    const help = await expectExit(0, [command, "--help"]);
    assert.match(help, new RegExp(`Examples?:\n  heliostat mirror ${command} `));
  }
});
