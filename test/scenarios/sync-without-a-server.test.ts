import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../support/repositories.ts";

const MAIN = fileURLToPath(new URL("../../packages/server/src/cli/main.ts", import.meta.url));

interface Scene {
  readonly dir: string;
  /** A repository with three commits on main, a branch and an annotated tag; served as `peer.urlOf("source.git")`. */
  readonly source: string;
  readonly target: string;
  readonly peer: GitHttpPeer;
  sync(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
}

async function setScene(t: TestContext): Promise<Scene> {
  const dir = await makeTempDir(t);
  const served = join(dir, "served");
  await mkdir(served);
  const source = await makeRepository(join(served, "source.git"));
  const [first = ""] = await makeCommits(source, 3);
  await makeCommit(source, { ref: "refs/heads/side", parents: [first] });
  await makeTag(source, "v1", first);
  const peer = await startGitHttpPeer({ root: served });
  t.after(() => peer.close());
  const sync: Scene["sync"] = (...args) =>
    new Promise((resolve, reject) => {
      // A home of its own: what is kept between runs must not come from the machine.
      const env = { PATH: process.env["PATH"] ?? "", HOME: dir };
      const child = spawn(process.execPath, [MAIN, "sync", ...args], { env, cwd: dir });
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.once("error", reject).once("close", (code) => resolve({ code, stdout, stderr }));
    });
  return { dir, source, target: join(dir, "target.git"), peer, sync };
}

describe("heliostat sync", () => {
  it("makes the target when it is not there, then has nothing to do, then carries on what changed", async (t) => {
    const { source, target, peer, sync } = await setScene(t);
    const first = await sync(peer.urlOf("source.git"), target);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /3 created, 0 up to date\./);
    assert.deepEqual(await refsOf(target), await refsOf(source));
    assert.equal(await git(target, ["symbolic-ref", "HEAD"]), "refs/heads/main");
    await checkRepository(target);

    const before = peer.requests.length;
    const second = await sync(peer.urlOf("source.git"), target);
    assert.match(second.stdout, /^In step: 3 up to date\.$/m);
    assert.equal(
      peer.requests.slice(before).filter((request) => request.method === "POST").length,
      1,
      "a listing",
    );

    await makeCommit(source);
    const third = await sync(peer.urlOf("source.git"), target);
    assert.match(third.stdout, /fast-forward refs\/heads\/main/);
    assert.deepEqual(await refsOf(target), await refsOf(source));
  });

  it("works from path to path, from path to URL, and from URL to URL", async (t) => {
    const { dir, source, target, peer, sync } = await setScene(t);
    const remote = await makeRepository(join(dir, "served", "remote.git"));
    await git(remote, ["config", "http.receivepack", "true"]);
    const relayed = await makeRepository(join(dir, "served", "relayed.git"));
    await git(relayed, ["config", "http.receivepack", "true"]);
    for (const [from, to] of [
      [source, target],
      [source, peer.urlOf("remote.git")],
      [peer.urlOf("source.git"), peer.urlOf("relayed.git")],
    ] as const) {
      const { code, stderr } = await sync(from, to);
      assert.equal(code, 0, stderr);
    }
    for (const reached of [target, remote, relayed]) {
      assert.deepEqual(await refsOf(reached), await refsOf(source));
      await checkRepository(reached);
    }
  });

  it("shows the plan and changes no ref with --dry-run", async (t) => {
    const { source, target, sync } = await setScene(t);
    await sync(source, target);
    const before = await refsOf(target);
    await makeCommit(source);
    await makeCommit(source, { ref: "refs/heads/new" });
    const { code, stdout } = await sync(source, target, "--dry-run");
    assert.equal(code, 0);
    assert.match(stdout, /would fast-forward refs\/heads\/main/);
    assert.match(stdout, /would create refs\/heads\/new/);
    assert.deepEqual(await refsOf(target), before);
  });

  it("makes nothing with --dry-run when the target is not there", async (t) => {
    const { target, peer, sync } = await setScene(t);
    const { code, stdout } = await sync(peer.urlOf("source.git"), target, "--dry-run");
    assert.equal(code, 0);
    assert.match(stdout, /3 to change, 0 up to date\./);
    await assert.rejects(git(target, ["rev-parse", "--git-dir"]));
  });

  it("overwrites what diverged, or leaves it and exits with 1 when told to keep it", async (t) => {
    const { source, target, sync } = await setScene(t);
    await sync(source, target);
    const theirs = await makeCommit(target);
    await makeCommit(source);
    const kept = await sync(source, target, "--keep-divergent-refs");
    assert.equal(kept.code, 1);
    assert.match(kept.stdout, /diverged refs\/heads\/main/);
    assert.equal((await refsOf(target))["refs/heads/main"], theirs);
    const forced = await sync(source, target);
    assert.equal(forced.code, 0);
    assert.match(forced.stdout, /forced refs\/heads\/main/);
    assert.deepEqual(await refsOf(target), await refsOf(source));
  });

  it("takes only the branches that match, and every tag", async (t) => {
    const { source, target, sync } = await setScene(t);
    await sync(source, target, "--branches", "^si");
    assert.deepEqual(Object.keys(await refsOf(target)), ["refs/heads/side", "refs/tags/v1"]);
    const none = await sync(source, target, "--branches", "nothing");
    assert.match(none.stdout, /No branch matches the filter/);
    assert.ok(Object.keys(await refsOf(source)).length === 3, "the source is never changed");
  });

  it("prints one JSON document for scripts", async (t) => {
    const { source, target, sync } = await setScene(t);
    const { stdout } = await sync(source, target, "--json");
    const report = JSON.parse(stdout);
    assert.equal(report.dry_run, false);
    assert.deepEqual(
      report.results.map((result: { outcome: string }) => result.outcome),
      ["created", "created", "created"],
    );
    assert.equal(report.up_to_date, 0);
  });

  it("names the ref that the target refused, carries the others, and exits with 1", async (t) => {
    const { source, target, sync } = await setScene(t);
    await sync(source, target);
    const main = (await refsOf(target))["refs/heads/main"];
    await makeCommit(source);
    await makeCommit(source, { ref: "refs/heads/side" });
    // The name that the push would lock is taken: as another program that is at this ref would have it.
    await git(target, ["update-ref", "refs/heads/main", main ?? ""]);
    await git("/", ["init", "-q", "--bare", join(target, "refs", "heads", "main.lock")]);
    const { code, stdout } = await sync(source, target);
    assert.equal(code, 1);
    assert.match(stdout, /rejected refs\/heads\/main/);
    assert.match(stdout, /fast-forward refs\/heads\/side/);
    assert.equal((await refsOf(target))["refs/heads/main"], main);
  });

  it("never deletes what the source does not contain", async (t) => {
    const { source, target, sync } = await setScene(t);
    await sync(source, target);
    const [merged = ""] = Object.values(await refsOf(source));
    await setRef(target, "refs/heads/merged", merged);
    const own = await makeCommit(target, { ref: "refs/heads/own" });
    const { stdout } = await sync(source, target);
    assert.match(stdout, /deleted refs\/heads\/merged/);
    assert.equal((await refsOf(target))["refs/heads/own"], own);
  });

  for (const [what, args, message] of [
    ["no target", ["source"], /missing required argument 'target'/],
    ["an unknown option", ["a", "b", "--force"], /unknown option '--force'/],
    ["a regex that RE2 does not take", ["a", "b", "--branches", "("], /--branches not valid RE2 syntax/],
    ["a forbidden scheme", ["file:///etc", "b"], /Only allowed schemes are http, https, ssh, git/],
    [
      "a target that is a checkout",
      ["served/source.git", "checkout"],
      /is a checkout\. Name a bare repository/,
    ],
  ] as const) {
    it(`answers ${what} with one clear line and exit code 2`, async (t) => {
      const { dir, sync } = await setScene(t);
      await git("/", ["init", "-q", join(dir, "checkout")]);
      const { code, stderr } = await sync(...args);
      assert.match(stderr, message);
      assert.equal(code, 2);
    });
  }

  it("takes git's helper syntax for a path, and runs nothing", async (t) => {
    const { dir, sync } = await setScene(t);
    const { code, stderr } = await sync(`ext::touch ${join(dir, "ran")}`, "b");
    assert.equal(code, 1);
    assert.match(stderr, /does not exist/);
    await assert.rejects(access(join(dir, "ran")));
  });

  it("says what is wrong with a source that does not answer as one, and leaves the target alone", async (t) => {
    const { target, source, peer, sync } = await setScene(t);
    await sync(source, target);
    const before = await refsOf(target);
    peer.setFault("html");
    const { code, stderr } = await sync(peer.urlOf("source.git"), target);
    assert.equal(code, 1);
    assert.match(stderr, /^heliostat: .* answered with a web page/);
    assert.deepEqual(await refsOf(target), before);
  });
});
