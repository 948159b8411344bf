import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createApi } from "../support/api.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import {
  git,
  makeCommit,
  makeLargeRepository,
  makeRepository,
  makeTag,
  makeTempDir,
  refsOf,
  setRef,
} from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { cloneAndCheck, cloneWorkingCopy, refsAt, withCredentials } from "../support/working-copy.ts";

/*
 * What the product is for, from end to end, with the README's own words: a project that mirrors a repository in and
 * out. Everything is real: the server with its own database, two other HTTP servers, git and curl.
 */

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const directory = await makeTempDir({ after });
const upstreams = await startPeer("upstreams");
const downstreams = await startPeer("downstreams", { username: "user", password: "pa:ss w%rd@" });
const server = await startServer({
  database: "embedded",
  dataDir: join(directory, "data"),
  // As at the first start by hand: the secrets are made up, and wait in a file.
  env: { HELIOSTAT_ADMIN_PASSWORD: undefined, HELIOSTAT_ADMIN_TOKEN: undefined },
});
after(() => server.stop());
const token = await waitFor(() => readToken(join(directory, "data/initial-root-secrets")), {
  message: "the first start writes the token of root",
});
const api = createApi({ url: server.url, token });
// The shortest that an admin can choose: the README's reader would wait a minute for the second pull.
await api.put("/application/settings", {
  pull_mirror_min_interval_seconds: 0,
  push_mirror_min_interval_seconds: 0,
});

test("the README's first mirror: in from one host, out to another, driven by curl alone", async (t) => {
  const upstream = await makeHistory(join(directory, "upstreams/upstream.git"));
  const downstream = await makeRepository(join(directory, "downstreams/copy.git"));
  const readme = await readCommands({
    "127.0.0.1:8080": new URL(server.url).host,
    "https://github.com/octocat/Hello-World.git": upstreams.urlOf("upstream.git"),
    "https://user:token@git.example.com/copy.git": withCredentials(
      downstreams.urlOf("copy.git"),
      "user",
      "pa:ss w%rd@",
    ),
  });
  const [makeAndClone = ""] = readme.get("The first mirror");
  const [makePushMirror, readUpdates] = readme.get("In and out");
  const updated = async (url: string) => {
    const expected = await refsOf(upstream);
    await waitFor(async () => sameRefs(await refsAt(url), expected), {
      timeoutMs: 60_000,
      message: `${url} has all that upstream has`,
    });
  };
  const project = `${server.url}/root/hello.git`;
  const projectAsRoot = withCredentials(project, "root", token);

  await t.test("a project follows its upstream as soon as it is made", async () => {
    const answer = JSON.parse(await sh(makeAndClone));
    assert.equal(answer.path_with_namespace, "root/hello");
    assert.equal(answer.mirror, true);
    assert.deepEqual(await refsAt(projectAsRoot), await refsOf(upstream));
  });

  await t.test(
    "the clone made by the same block has everything: it was not made before the project was full",
    async () => {
      const clone = join(directory, "hello");
      assert.equal(await git(clone, ["rev-parse", "HEAD"]), (await refsOf(upstream))["refs/heads/main"]);
      assert.equal(await git(clone, ["rev-list", "--count", "main"]), "3000");
    },
  );

  await t.test("a push mirror carries everything on", async () => {
    const answer = JSON.parse(await sh(`TOKEN=${token}\n${makePushMirror}`));
    assert.equal(answer.url, `http://*****:*****@127.0.0.1:${downstreams.port}/copy.git`);
    await api.waitForMirror("root/hello", answer.id, "finished");
    assert.deepEqual(await refsOf(downstream), await refsOf(upstream));
  });

  await t.test("its state, its history and an update are there for the asking", async () => {
    const [state, history, start] = (readUpdates ?? "").split("\n");
    const [mirror] = JSON.parse(await sh(`TOKEN=${token}\n${state}`));
    assert.equal(mirror.update_status, "finished");
    assert.equal(mirror.last_error, null);
    const updates = JSON.parse(await sh(`TOKEN=${token}\n${history}`));
    assert.equal(updates.at(-1).counts.created, Object.keys(await refsOf(upstream)).length);
    assert.equal(await sh(`TOKEN=${token}\n${start}`), "");
    await waitFor(async () => (await api.listUpdates("root/hello", mirror.id)).length > updates.length, {
      message: "one more update",
    });
  });

  await t.test("all three hold the same branches, tags and commits, and all objects of them", async () => {
    const expected = await refsOf(upstream);
    assert.equal(Object.keys(expected).length, 2500);
    for (const url of [
      upstreams.urlOf("upstream.git"),
      projectAsRoot,
      asUser(downstreams.urlOf("copy.git")),
    ]) {
      const copy = await cloneAndCheck(url, directory);
      assert.deepEqual(await refsOf(copy), expected, url);
      assert.equal(await git(copy, ["rev-list", "--all", "--count"]), "3000", url);
      assert.equal(await git(copy, ["symbolic-ref", "HEAD"]), "refs/heads/main", url);
    }
  });

  await t.test("a commit pushed to the project arrives downstream", async () => {
    const work = await cloneWorkingCopy(projectAsRoot, join(directory, "work"));
    const oid = await work.commit("our-topic", "a change of ours");
    await work.push("our-topic");
    await waitFor(async () => (await refsOf(downstream))["refs/heads/our-topic"] === oid, {
      message: "the commit is downstream",
    });
    // It is nobody's business upstream, and gone before the next comparison.
    await work.push("--delete", "our-topic");
    await setRef(downstream, "refs/heads/our-topic", null);
  });

  await t.test("a commit and a tag made upstream reach all three", async () => {
    await makeTag(upstream, "released", await makeCommit(upstream));
    await api.post("/projects/root%2Fhello/mirror/pull");
    await updated(projectAsRoot);
    await updated(asUser(downstreams.urlOf("copy.git")));
  });

  await t.test("what upstream deletes stays, here and downstream", async () => {
    const before = await refsOf(upstream);
    await setRef(upstream, "refs/heads/topic-1", null);
    await setRef(upstream, "refs/tags/light-1", null);
    assert.equal((await api.update("root/hello", "pull")).status, "finished");
    assert.deepEqual(await refsAt(projectAsRoot), before);
    assert.deepEqual(await refsOf(downstream), before);
    await setRef(upstream, "refs/heads/topic-1", before["refs/heads/topic-1"] ?? null);
    await setRef(upstream, "refs/tags/light-1", before["refs/tags/light-1"] ?? null);
  });

  await t.test("what upstream rewrites is followed only on demand, then everywhere", async () => {
    const before = await refsOf(upstream);
    await makeCommit(upstream, { ref: "refs/heads/topic-3", parents: [before["refs/heads/topic-2"] ?? ""] });
    const held = await api.update("root/hello", "pull");
    assert.deepEqual(
      held.refs.map(({ ref, outcome }) => [ref, outcome]),
      [["refs/heads/topic-3", "diverged"]],
    );
    assert.equal((await refsAt(projectAsRoot))["refs/heads/topic-3"], before["refs/heads/topic-3"]);

    await api.put("/projects/root%2Fhello/mirror/pull", { mirror_overwrites_diverged_branches: true });
    await updated(projectAsRoot);
    await updated(asUser(downstreams.urlOf("copy.git")));
  });

  await t.test("and all of it is in the repositories, not only in what they say", async () => {
    await cloneAndCheck(projectAsRoot, directory);
    await cloneAndCheck(downstream, directory);
    await server.assertNoGitLeft();
  });
});

test("what a pull brings goes on at once, also right after another push update", async (t) => {
  const pause = (seconds: number) =>
    api.put("/application/settings", { push_mirror_min_interval_seconds: seconds });
  await pause(600);
  t.after(() => pause(0));
  const upstream = await makeRepository(join(directory, "upstreams/brisk.git"));
  const tip = await makeCommit(upstream);
  const downstream = await makeRepository(join(directory, "downstreams/brisk.git"));
  await api.createProject("brisk");
  const { id } = await api.createPushMirror("root/brisk", asUser(downstreams.urlOf("brisk.git")));
  await api.waitForMirror("root/brisk", id, "finished");
  await api.createPullMirror("root/brisk", upstreams.urlOf("brisk.git"));
  await waitFor(async () => (await refsOf(downstream))["refs/heads/main"] === tip, {
    message: "what was pulled is downstream",
  });
});

test("this project's own repository, in and out", async (t) => {
  const upstream = await cloneCheckout(join(directory, "upstreams/heliostat.git"));
  if (upstream === null) {
    t.skip("this is no checkout: there is no repository to mirror");
    return;
  }
  const downstream = await makeRepository(join(directory, "downstreams/heliostat.git"));
  await api.createProject("heliostat");
  await api.createPushMirror("root/heliostat", asUser(downstreams.urlOf("heliostat.git")));
  await api.createPullMirror("root/heliostat", upstreams.urlOf("heliostat.git"));
  const expected = await refsOf(upstream);
  await waitFor(async () => sameRefs(await refsOf(downstream), expected), {
    timeoutMs: 60_000,
    message: "it is downstream",
  });
  const copy = await cloneAndCheck(
    withCredentials(`${server.url}/root/heliostat.git`, "root", token),
    directory,
  );
  assert.deepEqual(await refsOf(copy), expected);
  assert.equal(
    await git(copy, ["rev-list", "--all", "--count"]),
    await git(upstream, ["rev-list", "--all", "--count"]),
  );
  await cloneAndCheck(downstream, directory);
});

async function startPeer(
  name: string,
  auth?: { readonly username: string; readonly password: string },
): Promise<GitHttpPeer> {
  const root = join(directory, name);
  await mkdir(root);
  const peer = await startGitHttpPeer({ root, ...(auth ? { auth } : {}) });
  after(() => peer.close());
  return peer;
}

function asUser(url: string): string {
  return withCredentials(url, "user", "pa:ss w%rd@");
}

/** 3,000 commits; 450 branches and 2,050 tags, both annotated and not. */
async function makeHistory(path: string): Promise<string> {
  await makeLargeRepository(path, { commits: 3000, refs: 500 });
  const commits = (await git(path, ["rev-list", "--max-count=2000", "main"])).split("\n");
  const lines = commits.map((oid, index) => `create refs/tags/light-${index + 1} ${oid}\n`);
  await git(path, ["update-ref", "--stdin"], { input: lines.join("") });
  await git(path, ["pack-refs", "--all"]);
  return path;
}

/**
 * The checkout that these tests are in, as a bare repository with at least one branch; null when it is none. A shallow
 * one becomes a repository that begins where it does: Git would refuse to push the cut history on.
 */
async function cloneCheckout(path: string): Promise<string | null> {
  // Somebody else's files perhaps, as on a build server: git must be told that this is fine.
  const config = join(directory, "gitconfig");
  await writeFile(config, "[safe]\n\tdirectory = *\n");
  const env = { GIT_CONFIG_GLOBAL: config };
  const isShallow = await git(CHECKOUT, ["rev-parse", "--is-shallow-repository"], { env }).catch(() => null);
  if (isShallow === null) return null;
  await makeRepository(path);
  if (isShallow === "true") {
    const history = await git(CHECKOUT, ["fast-export", "--reencode=no", "--signed-tags=strip", "HEAD"], {
      env,
    });
    await git(path, ["fast-import", "--quiet", "--force"], {
      input: history.replaceAll(/^(reset|commit) HEAD$/gm, "$1 refs/heads/main"),
    });
  } else {
    const refspecs = ["HEAD:refs/heads/main", "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];
    await git(path, ["fetch", "-q", "--no-tags", CHECKOUT, ...refspecs.slice(1)], { env });
    const hasBranch = Object.keys(await refsOf(path)).some((ref) => ref.startsWith("refs/heads/"));
    if (!hasBranch) await git(path, ["fetch", "-q", CHECKOUT, ...refspecs.slice(0, 1)], { env });
  }
  return path;
}

/** The shell blocks of the README by the heading above them, with these texts replaced by others. */
async function readCommands(
  replacements: Readonly<Record<string, string>>,
): Promise<{ get(heading: string): readonly string[] }> {
  const readme = await readFile(join(CHECKOUT, "README.md"), "utf8");
  const blocks = new Map<string, string[]>();
  let heading = "";
  for (const [, title, block] of readme.matchAll(/^#+ ([^\n]*)$|^```sh\n(.*?)^```$/gms)) {
    if (title !== undefined) heading = title;
    if (block === undefined) continue;
    const text = Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), block);
    blocks.set(heading, [...(blocks.get(heading) ?? []), text.replaceAll(/\\\n\s*/g, "").trim()]);
  }
  return {
    get(name) {
      const found = blocks.get(name);
      assert(found !== undefined, `the README has commands below "${name}"`);
      return found;
    },
  };
}

/** Runs commands as the README's reader does, in the directory with `data/`; answers what they printed. */
async function sh(commands: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-e", "-c", commands.replaceAll("curl ", "curl -sS ")],
    {
      cwd: directory,
      env: { PATH: process.env["PATH"], HOME: directory, GIT_TERMINAL_PROMPT: "0" },
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return stdout;
}

async function readToken(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^token=(.+)$/m.exec(text)?.[1];
}

function sameRefs(left: Record<string, string>, right: Record<string, string>): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}
