import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { createPackFile } from "../support/pack-file.ts";
import { FLUSH_PKT, pktLine } from "../support/pkt-line.ts";
import {
  checkRepository,
  git,
  makeCommit,
  makeCommits,
  makeRepository,
  makeTempDir,
  refsOf,
  setRef,
} from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tryPush } from "../support/try-push.ts";
import { withCredentials } from "../support/working-copy.ts";

const NULL = "0".repeat(40);
const MB = 1024 * 1024;

describe("pushes", () => {
  let root: string;
  let server: TestServer;
  let api: Api;
  let count = 0;

  before(async () => {
    root = await makeTempDir({ after });
    server = await startServer();
    api = createApi(server);
  });
  after(() => server?.stop());

  /** A project with a first push, and a client's repository. */
  async function setUp(parameters: Readonly<Record<string, unknown>> = {}) {
    count += 1;
    const { id } = await api.createProject(`q${count}`, parameters);
    const client = await makeRepository(join(root, `client-${count}.git`));
    const url = withCredentials(`${server.url}/root/q${count}.git`, "root", server.token);
    const first = await makeCommit(client);
    const made = await tryPush(client, url, ["main"]);
    assert.ok(made.isOk, made.said);
    return { id, name: `root/q${count}`, client, url, first, path: server.repositoryOf(id) };
  }

  /** Sends this body as a push, and answers the status and text of the answer. */
  async function post(name: string, body: string | Buffer): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${server.url}/${name}.git/git-receive-pack`, {
      method: "POST",
      headers: {
        "content-type": "application/x-git-receive-pack-request",
        authorization: `Basic ${Buffer.from(`root:${server.token}`).toString("base64")}`,
      },
      body: new Uint8Array(Buffer.from(body)),
    });
    return { status: answer.status, text: await answer.text() };
  }

  test("push options are taken, and only so many; a signed push is refused in git's own words", async () => {
    const { client, url, path } = await setUp();
    const options = (number: number) =>
      Array.from({ length: number }, (_, at) => ["-o", `k${at}=\`id\``]).flat();
    assert.ok((await tryPush(client, url, ["main:refs/heads/a"], { flags: options(100) })).isOk);
    assert.equal((await tryPush(client, url, ["main:refs/heads/b"], { flags: options(101) })).isOk, false);
    const signed = await tryPush(client, url, ["main:refs/heads/c"], { flags: ["--signed"] });
    assert.match(signed.said, /the receiving end does not support --signed push/);
    assert.ok((await tryPush(client, url, ["main:refs/heads/d"], { flags: ["--signed=if-asked"] })).isOk);
    const names = Object.keys(await refsOf(path));
    assert.deepEqual(names, ["refs/heads/a", "refs/heads/d", "refs/heads/main"]);
  });

  test("two thousand refs are refused at once where one may not, and those that may are pushed", async () => {
    const { client, url, first, path } = await setUp();
    const names = Array.from({ length: 2_000 }, (_, at) => `refs/heads/many/${String(at).padStart(4, "0")}`);
    const input = names.map((name) => `create ${name} ${first}\n`).join("");
    await git(client, ["update-ref", "--stdin"], { input });
    await makeCommit(client, { ref: "refs/heads/main", parents: [] });
    const refused = await tryPush(client, url, ["+refs/heads/*:refs/heads/*"]);
    const words = Object.values(refused.refs);
    assert.equal(words.length, 2_001);
    assert.deepEqual([...new Set(words)].sort(), [
      "! [remote rejected] (not pushed: another ref of this push was refused)",
      "! [remote rejected] (protected branch: no force push)",
    ]);
    assert.deepEqual(await refsOf(path), { "refs/heads/main": first });
    const pushed = await tryPush(client, url, ["refs/heads/many/00*:refs/heads/many/00*"]);
    assert.ok(pushed.isOk, pushed.said);
    assert.equal(Object.keys(await refsOf(path)).length, 101);
  });

  test("garbage is refused with a reason, and nothing changes", async () => {
    const { name, first, path } = await setUp();
    const before = await refsOf(path);
    const line = (text: string) => pktLine(`${text}\0 report-status side-band-64k`);
    const move = `${first} ${"1".repeat(40)} refs/heads/main`;
    const bad: Readonly<Record<string, string>> = {
      framing: "zzzz",
      "no command": line("hello") + FLUSH_PKT,
      "a ref twice": line(move) + pktLine(move) + FLUSH_PKT,
      "short oids": line(move.slice(1)) + FLUSH_PKT,
    };
    for (const [what, body] of Object.entries(bad)) {
      const { status, text } = await post(name, body);
      assert.equal(status, 400, what);
      assert.match(text, /The request is not what Git sends/, what);
    }
    const wrongOld = await post(name, line(`${"1".repeat(40)} ${NULL} refs/heads/topic`) + FLUSH_PKT);
    assert.equal(wrongOld.status, 200);
    const missing = await post(name, line(`${NULL} ${"1".repeat(40)} refs/heads/x`) + FLUSH_PKT + "PACK");
    assert.match(missing.text, /ng refs\/heads\/x unpacker error/);
    const cut = pktLine(`${NULL} ${first} refs/heads/y`).slice(0, 30);
    await assert.rejects(post(name, cut).then(({ status }) => assert.ok(status < 400)));
    assert.deepEqual(await refsOf(path), before);
    await checkRepository(path);
  });

  test("the report names the rule for clients of every age: without bands, without version 2 of the report", async () => {
    const { name, first, path } = await setUp();
    const command = `${first} ${NULL} refs/heads/main`;
    const other = `${NULL} ${first} refs/heads/x`;
    const emptyPack = Buffer.from("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex");
    for (const capabilities of ["report-status", "report-status-v2", "report-status atomic quiet"]) {
      const body = Buffer.concat([
        Buffer.from(pktLine(`${command}\0 ${capabilities}`) + pktLine(other) + FLUSH_PKT),
        emptyPack,
      ]);
      const { text } = await post(name, body);
      assert.equal(
        text,
        pktLine("unpack ok\n") +
          pktLine("ng refs/heads/main default branch: it cannot be deleted\n") +
          pktLine("ng refs/heads/x not pushed: another ref of this push was refused\n") +
          FLUSH_PKT,
      );
    }
    const silent = await post(name, Buffer.from(pktLine(`${command}\0 x`) + FLUSH_PKT));
    assert.deepEqual(silent, { status: 200, text: "" });
    assert.deepEqual(await refsOf(path), { "refs/heads/main": first });
  });

  test("a shallow clone pushes", async () => {
    const { client, url, path } = await setUp();
    await makeCommits(client, 3);
    assert.ok((await tryPush(client, url, ["main"])).isOk);
    const shallow = join(root, `shallow-${count}`);
    await git(root, ["clone", "-q", "--bare", "--depth=1", url, shallow]);
    const tip = await makeCommit(shallow);
    const pushed = await tryPush(shallow, url, ["main"]);
    assert.ok(pushed.isOk, pushed.said);
    assert.equal((await refsOf(path))["refs/heads/main"], tip);
    await checkRepository(path);
  });

  test("a large file does not come in two pushes: first the file that nothing names, then its name", async () => {
    const { id, name, path } = await setUp();
    const big = randomBytes(300_000);
    /** A push of a new branch whose one file is `named`, or else the word small; what is in its pack besides is `stray`. */
    const push = async (branch: string, { named, stray }: { named?: string; stray?: Buffer }) => {
      const pack = createPackFile();
      const file = named ?? pack.add("blob", Buffer.from("small"));
      if (stray) pack.add("blob", stray);
      const tree = pack.add("tree", Buffer.concat([Buffer.from("100644 f\0"), Buffer.from(file, "hex")]));
      const by = "A <a@example.com> 1893456000 +0000";
      const commit = pack.add(
        "commit",
        Buffer.from(`tree ${tree}\nauthor ${by}\ncommitter ${by}\n\n${branch}\n`),
      );
      const ref = `refs/heads/${branch}`;
      const command = pktLine(`${NULL} ${commit} ${ref}\0report-status`);
      const { text } = await post(name, Buffer.concat([Buffer.from(command + FLUSH_PKT), pack.finish()]));
      return { isThere: (await refsOf(path))[ref] === commit, text };
    };
    assert.ok((await push("before", { stray: big })).isThere, "there was no limit yet");
    await api.put(`/projects/${id}`, { max_file_size: 100_000 });
    const oid = createPackFile().add("blob", big);
    for (const [branch, objects] of [
      ["stray", { stray: randomBytes(300_000) }],
      ["named", { named: oid }],
    ] as const) {
      const { isThere, text } = await push(branch, objects);
      assert.equal(isThere, false, branch);
      assert.match(text, /file too large: the limit is 97\.66 KiB/, branch);
    }
    assert.ok((await push("small", {})).isThere);
  });

  test("files and pushes have sizes that an admin limits, of new files only", async () => {
    const { id, client, url, path } = await setUp();
    const large = { "dir/large file.bin": randomBytes(150_000).toString("hex"), small: "x" };
    await makeCommit(client, { files: large });
    assert.ok((await tryPush(client, url, ["main"])).isOk);
    await api.put(`/projects/${id}`, { max_file_size: 200_000 });
    await makeCommit(client, { files: { ...large, small: "y" } });
    const unchanged = await tryPush(client, url, ["main"]);
    assert.ok(unchanged.isOk, `a large file that is there stays: ${unchanged.said}`);
    const before = await refsOf(path);

    const bad = await makeCommit(client, { files: { "another\tone": randomBytes(150_000).toString("hex") } });
    await makeCommit(client, { files: { small: "z" } });
    const refused = await tryPush(client, url, ["main", "main:refs/heads/x"]);
    const reason = "! [remote rejected] (file too large: the limit is 195.31 KiB)";
    assert.deepEqual(refused.refs, { main: reason, x: reason }, bad);
    assert.match(
      refused.said,
      /remote: Larger than the allowed size of 195\.31 KiB: "another\\tone" \(292\.97 KiB\)\./,
    );
    assert.deepEqual(await refsOf(path), before);

    await api.put(`/projects/${id}`, { max_file_size: 0, max_push_size: MB });
    const noise = { noise: randomBytes(3 * MB).toString("base64") };
    await makeCommit(client, { files: noise });
    for (const config of [[], ["http.postBuffer=65536"]]) {
      const tooMuch = await tryPush(client, url, ["main"], { config });
      assert.deepEqual(tooMuch.refs, { main: "! [remote rejected] (push too large: the limit is 1.00 MiB)" });
      assert.match(tooMuch.said, /remote: The push is larger than the allowed size of 1\.00 MiB\./);
    }
    assert.deepEqual(await refsOf(path), before);
    await api.put(`/projects/${id}`, { max_push_size: 0 });
    assert.ok((await tryPush(client, url, ["main"])).isOk);
    await checkRepository(path);
    const limits = { max_file_size: -1, max_push_size: -1 };
    assert.equal((await api.call("PUT", `/projects/${id}`, limits)).status, 400);
  });

  test("a push to a branch that a pull mirror writes is warned of, refused, or let be", async () => {
    const upstream = await makeRepository(join(root, "up", "up.git"));
    await makeCommit(upstream);
    await setRef(upstream, "refs/heads/other", await makeCommit(upstream));
    const peer = await startGitHttpPeer({ root: join(root, "up") });
    try {
      const { id } = await api.createProject("mirrored");
      await api.createPullMirror("root/mirrored", peer.urlOf("up.git"), { mirror_branch_regex: "^main$" });
      await api.waitForMirror("root/mirrored", "pull", "finished");
      const url = withCredentials(`${server.url}/root/mirrored.git`, "root", server.token);
      const client = join(root, "mirrored.git");
      await git(root, ["clone", "-q", "--bare", url, client]);
      await makeCommit(client);
      const warned = await tryPush(client, url, ["main", "main:refs/heads/topic"]);
      assert.ok(warned.isOk, warned.said);
      assert.match(warned.said, /remote: WARNING: a pull mirror of this project writes main\./);
      assert.doesNotMatch((await tryPush(client, url, ["main:refs/heads/own"])).said, /WARNING/);
      await api.put(`/projects/${id}`, { pushes_to_mirrored_branches: "refuse" });
      await makeCommit(client);
      const refused = await tryPush(client, url, ["main"]);
      assert.deepEqual(refused.refs, {
        main: "! [remote rejected] (mirrored branch: its pull mirror writes it)",
      });
      await api.put(`/projects/${id}`, { pushes_to_mirrored_branches: "allow" });
      const allowed = await tryPush(client, url, ["main"]);
      assert.ok(allowed.isOk);
      assert.doesNotMatch(allowed.said, /WARNING/);
    } finally {
      await peer.close();
    }
  });
});
