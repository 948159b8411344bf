import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { type GitDaemonPeer, startGitDaemonPeer } from "../../../../test/support/git-daemon-peer.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../../../../test/support/git-http-peer.ts";
import {
  git,
  makeCommit,
  makeRepository,
  makeTag,
  makeTempDir,
  setRef,
} from "../../../../test/support/repositories.ts";
import type { Log, RemoteCredential } from "../app/ports.ts";
import type { RefName } from "../domain/ref-name.ts";
import type { AdvertisedRefs } from "../domain/refs.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { encodePktLine } from "./pkt-line.ts";
import { createRemotes, type RemotesOptions } from "./remotes.ts";

const LOCAL = { allowLocalRequests: true };
const UNICODE = "refs/heads/grüße/日本語-🔭";

let root = "";
let http: GitHttpPeer;
let http0: GitHttpPeer;
let dumb: GitHttpPeer;
let daemon: GitDaemonPeer;
let oldDaemon: Forwarder;
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  root = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  const full = await makeRepository(join(root, "full.git"));
  const first = await makeCommit(full);
  const second = await makeCommit(full);
  await setRef(full, "refs/heads/feature/one", first);
  await setRef(full, UNICODE, second);
  await setRef(full, "refs/tags/light", first);
  await makeTag(full, "v1.0", second);
  await git(full, ["tag", "-a", "-m", "nested", "nested", "v1.0"]);
  await git(full, ["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
  for (const ref of ["refs/pull/1/head", "refs/notes/commits", "refs/hidden/x"])
    await setRef(full, ref, first);
  await git(full, ["config", "uploadpack.hideRefs", "refs/hidden"]);
  await git(full, ["update-server-info"]);

  await makeRepository(join(root, "empty.git"), { head: "trunk" });
  await git(join(root, "empty.git"), ["update-server-info"]);
  await makeCommit(await makeRepository(join(root, "unborn.git"), { head: "not-yet" }), {
    ref: "refs/heads/other",
  });
  await makeTag(join(root, "unborn.git"), "v1", "refs/heads/other");
  await git(join(root, "unborn.git"), ["update-server-info"]);
  const sha256 = await makeRepository(join(root, "sha256.git"), { objectFormat: "sha256" });
  await makeTag(sha256, "v1", await makeCommit(sha256));
  const detached = await makeRepository(join(root, "detached.git"));
  await writeFile(join(detached, "HEAD"), `${await makeCommit(detached)}\n`);
  await makeManyRefs(await makeRepository(join(root, "large.git")), 10_000);

  http = await startGitHttpPeer({ root });
  http0 = await startGitHttpPeer({ root, protocol: 0 });
  dumb = await startGitHttpPeer({ root, dumb: true });
  daemon = await startGitDaemonPeer({ root });
  oldDaemon = await startForwarder(() => daemon.port, withoutVersion);
  cleanups.unshift(...[http, http0, dumb, daemon, oldDaemon].map((peer) => () => peer.close()));
});

after(async () => {
  for (const clean of cleanups) await clean();
});

/** Branches, and one annotated tag in ten refs. Written as a packed-refs file: git takes seconds to make so many. */
async function makeManyRefs(repository: string, count: number): Promise<void> {
  const oid = await makeCommit(repository);
  const tag = await makeTag(repository, "v", oid);
  await git(repository, ["pack-refs", "--all"]);
  await setRef(repository, "refs/tags/v", null);
  const number = (i: number) => String(i).padStart(6, "0");
  const branches = Array.from(
    { length: count * 0.9 - 1 },
    (_, i) => `${oid} refs/heads/topic-${number(i)}\n`,
  );
  const tags = Array.from({ length: count * 0.1 }, (_, i) => `${tag} refs/tags/v${number(i)}\n^${oid}\n`);
  const header = "# pack-refs with: peeled fully-peeled sorted \n";
  await writeFile(
    join(repository, "packed-refs"),
    [header, `${oid} refs/heads/main\n`, ...branches, ...tags].join(""),
  );
}

interface Forwarder {
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}

/** Stands between a client and the port that `target()` names at each new connection; may change what is sent first. */
async function startForwarder(target: () => number, rewrite = (first: Buffer) => first): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(target(), "127.0.0.1");
    client.once("data", (chunk: Buffer) => {
      upstream.write(rewrite(chunk));
      client.pipe(upstream);
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A daemon from before protocol versions: the wish for one does not reach it. */
function withoutVersion(first: Buffer): Buffer {
  const request = first.toString("latin1").replace("\0version=2\0", "").slice(4);
  return Buffer.from(encodePktLine(request), "latin1");
}

interface Logged {
  readonly fields: object;
  readonly message: string;
}

function makeRemotes(t: TestContext, options: Partial<RemotesOptions> = {}) {
  const warnings: Logged[] = [];
  const ignore = () => {};
  const log: Log = {
    debug: ignore,
    info: ignore,
    warn: (fields, message) => warnings.push({ fields, message }),
    error: ignore,
  };
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test", ...options });
  t.after(() => remotes.close());
  const list = async (url: string, credential: RemoteCredential | null = null) => {
    const remote = await remotes.open(parseRemoteUrl(url).url, credential, LOCAL);
    return remotes.listRefs(remote, { signal: t.signal });
  };
  return { remotes, list, warnings };
}

/** As `git ls-remote --symref` prints them, HEAD first, the rest by name. */
function asLsRemote(
  { refs, head }: AdvertisedRefs,
  { withSymrefs }: { withSymrefs: boolean },
): readonly string[] {
  const lines =
    head === null || !refs.has(head) ? [] : [`ref: ${head}\tHEAD`, `${refs.get(head)?.oid}\tHEAD`];
  for (const [name, { oid, peeled, symref }] of refs) {
    if (symref !== undefined && withSymrefs) lines.push(`ref: ${symref}\t${name}`);
    lines.push(`${oid}\t${name}`);
    if (peeled !== undefined) lines.push(`${peeled}\t${name}^{}`);
  }
  return lines.sort();
}

async function judge(url: string, { withSymrefs = true, version = 2 } = {}): Promise<readonly string[]> {
  const printed = await git(root, ["-c", `protocol.version=${version}`, "ls-remote", "--symref", url]);
  return printed
    .split("\n")
    .filter((line) => /\t(?:HEAD$|refs\/(?:heads|tags)\/)/.test(line))
    .filter((line) => withSymrefs || !line.startsWith("ref:") || line.endsWith("\tHEAD"))
    .sort();
}

const oldDaemonPeer = { urlOf: (repository: string) => `git://127.0.0.1:${oldDaemon.port}/${repository}` };

const WAYS = [
  { way: "smart HTTP, protocol 2", peer: () => http, tellsSymrefs: true, tellsUnborn: true },
  { way: "smart HTTP, protocol 0", peer: () => http0, tellsSymrefs: false, tellsUnborn: false },
  { way: "git daemon, protocol 2", peer: () => daemon, tellsSymrefs: true, tellsUnborn: true },
  { way: "git daemon, protocol 0", peer: () => oldDaemonPeer, tellsSymrefs: false, tellsUnborn: false },
];

for (const { way, peer, tellsSymrefs, tellsUnborn } of WAYS) {
  test(`${way}: lists what git ls-remote lists`, async (t) => {
    const { list } = makeRemotes(t);
    for (const repository of ["full.git", "sha256.git", "unborn.git", "large.git"]) {
      const url = peer().urlOf(repository);
      const expected = await judge(url, { withSymrefs: tellsSymrefs });
      assert.ok(expected.length > 1);
      // Twice: the second time over what was remembered of the first.
      for (let round = 0; round < 2; round += 1) {
        assert.deepEqual(asLsRemote(await list(url), { withSymrefs: tellsSymrefs }), expected, repository);
      }
    }
  });

  test(`${way}: keeps names, symrefs and object formats, and nothing outside heads and tags`, async (t) => {
    const { list } = makeRemotes(t);
    const full = await list(peer().urlOf("full.git"));
    assert.equal(full.objectFormat, "sha1");
    assert.equal(full.head, "refs/heads/main");
    assert.ok(full.refs.has(UNICODE as RefName));
    assert.equal(
      full.refs.get("refs/heads/alias" as RefName)?.symref,
      tellsSymrefs ? "refs/heads/main" : undefined,
    );
    assert.deepEqual(
      [...full.refs.keys()].filter((name) => !/^refs\/(?:heads|tags)\//.test(name)),
      [],
    );
    assert.equal(full.refs.size, 7);
    assert.equal((await list(peer().urlOf("sha256.git"))).objectFormat, "sha256");
    assert.equal((await list(peer().urlOf("large.git"))).refs.size, 10_000);
  });

  test(`${way}: an empty repository, an unborn HEAD and a detached one`, async (t) => {
    const { list } = makeRemotes(t);
    const empty = await list(peer().urlOf("empty.git"));
    assert.deepEqual(empty, {
      objectFormat: "sha1",
      refs: new Map(),
      head: tellsUnborn ? "refs/heads/trunk" : null,
    });
    const unborn = await list(peer().urlOf("unborn.git"));
    assert.equal(unborn.head, tellsUnborn ? "refs/heads/not-yet" : null);
    assert.deepEqual([...unborn.refs.keys()], ["refs/heads/other", "refs/tags/v1"]);
    const detached = await list(peer().urlOf("detached.git"));
    assert.equal(detached.head, null);
    assert.equal(detached.refs.size, 1);
  });
}

test("dumb HTTP: lists what git ls-remote lists", async (t) => {
  const { list } = makeRemotes(t);
  const url = dumb.urlOf("full.git");
  const full = await list(url);
  assert.equal(full.head, "refs/heads/main");
  const expected = await judge(url, { withSymrefs: false });
  assert.deepEqual(
    asLsRemote(full, { withSymrefs: false }),
    [...expected, `ref: refs/heads/main\tHEAD`].sort().filter((line, i, all) => line !== all[i - 1]),
  );
  assert.equal((await list(dumb.urlOf("unborn.git"))).head, null);
});

test("a v2 remote that is known costs one POST, over the same connection", async (t) => {
  const { list } = makeRemotes(t);
  const forwarder = await startForwarder(() => http.port);
  t.after(() => forwarder.close());
  const start = http.requests.length;
  for (let i = 0; i < 3; i += 1) await list(`http://127.0.0.1:${forwarder.port}/unborn.git`);
  assert.deepEqual(
    http.requests.slice(start).map(({ method, url }) => `${method} ${url}`),
    [
      "GET /unborn.git/info/refs?service=git-upload-pack",
      "POST /unborn.git/git-upload-pack",
      "POST /unborn.git/git-upload-pack",
      "POST /unborn.git/git-upload-pack",
    ],
  );
  assert.equal(forwarder.connections, 1);
});

test("capabilities that are too old are asked for again", async (t) => {
  const { list } = makeRemotes(t, { limits: { capabilitiesMs: 0 } });
  const start = http.requests.length;
  for (let i = 0; i < 2; i += 1) await list(http.urlOf("unborn.git"));
  assert.deepEqual(
    http.requests.slice(start).map(({ method }) => method),
    ["GET", "POST", "GET", "POST"],
  );
});

test("a known remote that changed its object format is met with a new handshake", async (t) => {
  const { list } = makeRemotes(t);
  const path = join(root, "changing.git");
  await cp(join(root, "unborn.git"), path, { recursive: true });
  assert.equal((await list(http.urlOf("changing.git"))).objectFormat, "sha1");
  await rm(path, { recursive: true });
  await cp(join(root, "sha256.git"), path, { recursive: true });
  assert.equal((await list(http.urlOf("changing.git"))).objectFormat, "sha256");
});

test("a known remote that went back to protocol 0 is met with a new handshake", async (t) => {
  const { list } = makeRemotes(t);
  let peer = http;
  const forwarder = await startForwarder(
    () => peer.port,
    (first) => {
      // One request a connection, so that the next one meets the other peer.
      return Buffer.from(
        first.toString("latin1").replace(/connection: keep-alive/i, "connection: close"),
        "latin1",
      );
    },
  );
  t.after(() => forwarder.close());
  const url = `http://127.0.0.1:${forwarder.port}/full.git`;
  await list(url);
  peer = http0;
  assert.equal((await list(url)).refs.size, 7);
});

test("credentials go with the first request", async (t) => {
  const auth = { username: "mirror", password: "pässword:with/odd@chars" };
  const peer = await startGitHttpPeer({ root, auth });
  t.after(() => peer.close());
  const { list } = makeRemotes(t);
  assert.equal((await list(peer.urlOf("full.git"), auth)).refs.size, 7);
  assert.deepEqual(
    peer.requests.map(({ method }) => method),
    ["GET", "POST"],
  );
  await assert.rejects(list(peer.urlOf("full.git")), { code: "remote-credential", message: /has none/ });
  await assert.rejects(
    list(peer.urlOf("full.git"), { ...auth, password: "wrong-secret" }),
    (error: Error) => {
      assert.match(error.message, /refused the user name, password or token/);
      assert.doesNotMatch(error.message, /wrong-secret/);
      return true;
    },
  );
});

test("a name that is not UTF-8 is left out and told once, the rest is listed", async (t) => {
  const path = await makeRepository(join(root, "latin1.git"));
  const oid = await makeCommit(path);
  const line = Buffer.concat([
    Buffer.from("create refs/heads/gr\xfc\xdfe", "latin1"),
    Buffer.from(` ${oid}\n`),
  ]);
  await git(path, ["update-ref", "--stdin"], { input: line });
  const { list, warnings } = makeRemotes(t);
  for (const peer of [http, http0, daemon]) {
    const { refs } = await list(peer.urlOf("latin1.git"));
    assert.deepEqual([...refs.keys()], ["refs/heads/main"]);
    await list(peer.urlOf("latin1.git"));
  }
  assert.equal(warnings.length, 3);
  assert.deepEqual(warnings[0]?.fields, {
    url: http.urlOf("latin1.git"),
    skipped: 1,
    example: '"refs/heads/gr\\xfc\\xdfe"',
  });
});

test("a broken ref is left out, the rest is listed", async (t) => {
  const path = await makeRepository(join(root, "broken.git"));
  await makeCommit(path);
  await writeFile(join(path, "refs/heads/broken"), `${"0".repeat(40)}\n`);
  const { list } = makeRemotes(t);
  for (const peer of [http, http0, daemon]) {
    assert.deepEqual([...(await list(peer.urlOf("broken.git"))).refs.keys()], ["refs/heads/main"]);
  }
});

test("git daemon: an unknown repository, and a path that would add parameters", async (t) => {
  const { remotes, list } = makeRemotes(t);
  await assert.rejects(list(daemon.urlOf("no-such.git")), { code: "remote-not-found" });
  const url = daemon.urlOf("full.git%00host=evil") as ReturnType<typeof parseRemoteUrl>["url"];
  await assert.rejects(remotes.open(url, null, LOCAL), { code: "url-invalid" });
  const remote = await remotes.open(parseRemoteUrl(daemon.urlOf("full.git")).url, null, LOCAL);
  await assert.rejects(remotes.listRefs({ ...remote, url }, { signal: t.signal }), { code: "url-blocked" });
});

test("git daemon: a path with spaces and letters of any language", async (t) => {
  await cp(join(root, "unborn.git"), join(root, "mit lücke 日.git"), { recursive: true });
  const { list } = makeRemotes(t);
  for (const peer of [daemon, http]) {
    assert.equal((await list(peer.urlOf(encodeURI("mit lücke 日.git")))).refs.size, 2);
  }
});

test("more refs than allowed are refused", async (t) => {
  const { list } = makeRemotes(t, { limits: { refs: 9_999 } });
  for (const peer of [http, http0, daemon]) {
    await assert.rejects(list(peer.urlOf("large.git")), {
      code: "too-many-refs",
      message: /more than 9999 refs/,
    });
  }
});
