import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import {
  commitSchema,
  comparisonSchema,
  fileDiffSchema,
  singleCommitSchema,
} from "@heliostat/contract/api/repository-commits.ts";
import { blobSchema, fileSchema, treeEntrySchema } from "@heliostat/contract/api/repository-files.ts";
import { branchSchema, tagSchema } from "@heliostat/contract/api/repository-refs.ts";
import { createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { git, makeCommit, makeRepository, makeTempDir, setRef } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

/* What is in a repository, through the API, on a whole server. */

const server = await startServer();
after(() => server.stop());
const api = createApi(server);
const anonymous = api.as(null);
// By default a pull that was asked for keeps a distance from the one before, as long as a test waits for its end.
await api.put("/application/settings", { pull_mirror_min_interval_seconds: 0 });
const directory = await makeTempDir({ after });

const project = await api.createProject("browsed", { visibility: "public" });
const AT = `/projects/${project.id}/repository`;
const repository = server.repositoryOf(project.id);
const empty = await api.createProject("nothing", { visibility: "public" });
const secret = await api.createProject("secret", { visibility: "private" });

const HOSTILE_NAME = `<b> "q" \\ new\nline \u202e;%41.html`;
const page = (body: string) => `data ${Buffer.byteLength(body)}\n${body}\n`;
const WHO = "Ada <ada@example.com> 1700000000 +0130";
await git(repository, ["fast-import", "--quiet"], {
  input: Buffer.from(
    [
      `commit refs/heads/main\nmark :1\nauthor ${WHO}\ncommitter ${WHO}\n${page("first\n\nSigned-off-by: Ada <a@b>\n")}`,
      `M 100644 inline README.md\n${page("# hello\n")}`,
      `M 100755 inline bin/run.sh\n${page("#!/bin/sh\n")}`,
      `M 120000 inline bin/link\n${page("run.sh")}`,
      `M 160000 ${"1".repeat(40)} sub\n`,
      `M 100644 inline page.html\n${page("<script>alert(1)</script>\n")}`,
      `M 100644 inline deep/a/b/c.txt\n${page("c\n")}`,
      `M 100644 inline ${JSON.stringify(HOSTILE_NAME)}\n${page("odd\n")}`,
      `commit refs/heads/main\nmark :2\nauthor ${WHO}\ncommitter ${WHO}\n${page("second")}from :1\n`,
      `R README.md READ.md\n`,
      `commit refs/heads/topic/x\nmark :3\nauthor ${WHO}\ncommitter ${WHO}\n${page("topic")}from :1\n`,
      `M 100644 inline topic.txt\n${page("t\n")}`,
      `commit refs/heads/main\nmark :4\nauthor ${WHO}\ncommitter ${WHO}\n${page("merge")}from :2\nmerge :3\n`,
      `M 100644 inline topic.txt\n${page("t\n")}`,
      `reset refs/tags/light\nfrom :1\n\n`,
      `tag v1.0\nfrom :2\ntagger ${WHO}\n${page("release\n")}`,
    ].join(""),
  ),
});
const oidOf = (name: string) => git(repository, ["rev-parse", name]);
const [first, second, topic, merge] = await Promise.all(["light", "main~", "topic/x", "main"].map(oidOf));
await git(repository, ["update-ref", "refs/tags/tree", await oidOf("main^{tree}")]);
await git(repository, ["update-ref", "refs/heliostat/hidden", topic ?? ""]);

test("branches, with what GitLab's clients read of them", async () => {
  const { body, headers } = await anonymous.call("GET", `${AT}/branches`);
  const branches = branchSchema.array().parse(body);
  assert.deepEqual(
    branches.map(({ name, commit, merged, default: isDefault, can_push }) => [
      name,
      commit.id,
      merged,
      isDefault,
      can_push,
    ]),
    [
      ["main", merge, false, true, false],
      ["topic/x", topic, true, false, false],
    ],
  );
  assert.equal(headers.get("x-total"), "2");
  assert.equal(headers.get("content-type"), "application/json");
  const found = branchSchema.parse(await api.get(`${AT}/branches/topic%2Fx`));
  assert.equal(found.can_push, true);
  assert.equal(found.commit.committed_date, "2023-11-14T23:43:20.000+01:30");
  assert.equal(found.upstream, null);
  const named = async (query: string) =>
    branchSchema
      .array()
      .parse(await api.get(`${AT}/branches?${query}`))
      .map(({ name }) => name);
  assert.deepEqual(await named("search=%5Etop"), ["topic/x"]);
  assert.deepEqual(await named("search=ain$"), ["main"]);
  assert.deepEqual(await named("regex=%5Em..n$"), ["main"]);
  assert.deepEqual(await named("search=%5Eain"), []);
  assert.equal((await api.call("GET", `${AT}/branches?regex=(`)).status, 400);
  const missing = await anonymous.call("GET", `${AT}/branches/none`);
  assert.deepEqual([missing.status, missing.body], [404, { message: "404 Branch Not Found" }]);
  const heads = await Promise.all(
    ["main", "none"].map(async (name) => {
      const answer = await fetch(`${server.url}/api/v4${AT}/branches/${name}`, { method: "HEAD" });
      return answer.status;
    }),
  );
  assert.deepEqual(heads, [204, 404]);
});

test("tags: annotated, light, and of a tree", async () => {
  const tags = tagSchema.array().parse(await api.get(`${AT}/tags?order_by=name&sort=asc`));
  assert.deepEqual(
    tags.map(({ name, message, target, commit, created_at }) => [
      name,
      message,
      target,
      commit?.id,
      created_at,
    ]),
    [
      ["light", "", first, first, null],
      ["tree", "", await oidOf("tree"), undefined, null],
      ["v1.0", "release", await oidOf("v1.0"), second, "2023-11-14T23:43:20.000+01:30"],
    ],
  );
  const part = await api.call("GET", `${AT}/tags?order_by=name&sort=desc&pagination=keyset&per_page=2`);
  const next = /\?([^>]*)>; rel="next"/.exec(part.headers.get("link") ?? "")?.[1];
  const named = (body: unknown) =>
    tagSchema
      .array()
      .parse(body)
      .map(({ name }) => name);
  assert.deepEqual(
    [named(part.body), named(await api.get(`${AT}/tags?${next}`)), part.headers.get("x-total")],
    [["v1.0", "tree"], ["light"], null],
  );
  const missing = await api.call("GET", `${AT}/tags/none`);
  assert.deepEqual([missing.status, missing.body], [404, { message: "404 Tag Not Found" }]);
  assert.equal((await api.call("GET", `${AT}/tags/v1.0/signature`)).status, 404);
});

test("commits page without a total, by ref, path and range", async () => {
  const listed = await anonymous.call("GET", `${AT}/commits?per_page=2`);
  assert.equal(listed.headers.get("x-total"), null);
  assert.equal(listed.headers.get("x-next-page"), "2");
  assert.match(listed.headers.get("link") ?? "", /page=2[^>]*>; rel="next"/);
  const last = await anonymous.call("GET", `${AT}/commits?per_page=2&page=2`);
  assert.doesNotMatch(last.headers.get("link") ?? "", /rel="next"/);
  const ids = [listed.body, last.body]
    .flatMap((body) => commitSchema.array().parse(body))
    .map(({ id }) => id);
  assert.deepEqual(ids.toSorted(), [first, second, topic, merge].toSorted());
  const titles = async (query: string) =>
    commitSchema
      .array()
      .parse(await api.get(`${AT}/commits?${query}`))
      .map(({ title }) => title);
  assert.deepEqual(await titles("ref_name=topic/x"), ["topic", "first"]);
  assert.deepEqual(await titles("path=topic.txt"), ["topic"]);
  assert.deepEqual(await titles("first_parent=true"), ["merge", "second", "first"]);
  assert.deepEqual(await titles("ref_name=light..topic/x"), ["topic"]);
  assert.deepEqual(await titles("all=true&path=READ.md"), ["second"]);
  assert.deepEqual(await titles("until=2020-01-01"), []);
  const [{ stats, trailers } = assert.fail()] = commitSchema
    .array()
    .parse(await api.get(`${AT}/commits?ref_name=light&with_stats=true`));
  assert.equal(stats?.additions, 7);
  assert.deepEqual(trailers, { "Signed-off-by": "Ada <a@b>" });
});

test("one commit, its diff, refs, merge base and comparison", async () => {
  const commit = singleCommitSchema.parse(await api.get(`${AT}/commits/${merge?.slice(0, 7)}`));
  assert.deepEqual(commit.parent_ids, [second, topic]);
  assert.deepEqual(commit.stats, { additions: 1, deletions: 0, total: 1 });
  const [renamed = assert.fail()] = fileDiffSchema
    .array()
    .parse(await api.get(`${AT}/commits/${second}/diff`));
  assert.deepEqual(
    [renamed.old_path, renamed.new_path, renamed.renamed_file],
    ["README.md", "READ.md", true],
  );
  const diffs = fileDiffSchema.array().parse(await api.get(`${AT}/commits/${first}/diff`));
  const odd = diffs.find(({ new_path }) => new_path === HOSTILE_NAME);
  assert.equal(odd?.diff, "@@ -0,0 +1 @@\n+odd\n");
  assert.equal(diffs.length, 7);
  assert.deepEqual(await api.get(`${AT}/commits/${topic}/refs`), [
    { type: "branch", name: "main" },
    { type: "branch", name: "topic/x" },
  ]);
  const base = commitSchema.parse(await api.get(`${AT}/merge_base?refs[]=${second}&refs[]=topic/x`));
  assert.equal(base.id, first);
  const compared = comparisonSchema.parse(await api.get(`${AT}/compare?from=${second}&to=topic/x`));
  assert.deepEqual(
    compared.commits.map(({ id }) => id),
    [topic],
  );
  assert.deepEqual(
    compared.diffs.map(({ new_path }) => new_path),
    ["topic.txt"],
  );
  const unknown = await api.call("GET", `${AT}/compare?from=nope&to=main`);
  assert.deepEqual([unknown.status, unknown.body], [404, { message: "404 Ref Not Found" }]);
});

test("trees: by page, by key and all the way down", async () => {
  const tree = async (query: string) => {
    const { body, headers } = await api.call("GET", `${AT}/tree?${query}`);
    return { headers, entries: treeEntrySchema.array().parse(body) };
  };
  const { entries, headers } = await tree("");
  assert.deepEqual(
    entries.map(({ type, name, mode }) => [type, name, mode]),
    [
      ["tree", "bin", "040000"],
      ["tree", "deep", "040000"],
      ["blob", HOSTILE_NAME, "100644"],
      ["blob", "READ.md", "100644"],
      ["blob", "page.html", "100644"],
      ["blob", "topic.txt", "100644"],
      ["commit", "sub", "160000"],
    ],
  );
  assert.equal(headers.get("x-total"), "7");
  const all = (await tree("recursive=True&per_page=100")).entries.map(({ path }) => path);
  assert.ok(all.includes("deep/a/b/c.txt") && all.includes("deep/a"));
  for (const recursive of ["", "&recursive=true"]) {
    const paths: string[] = [];
    let query: string | null = `pagination=keyset&per_page=3${recursive}`;
    while (query !== null) {
      const part = await tree(query);
      paths.push(...part.entries.map(({ path }) => path));
      query = /<[^>]*\?([^>]*)>; rel="next"/.exec(part.headers.get("link") ?? "")?.[1] ?? null;
    }
    assert.deepEqual(paths, recursive === "" ? entries.map(({ path }) => path) : all);
  }
  assert.deepEqual(
    (await tree("path=bin&ref=light")).entries.map(({ path }) => path),
    ["bin/link", "bin/run.sh"],
  );
  const nowhere = await api.call("GET", `${AT}/tree?path=nope`);
  assert.deepEqual(
    [nowhere.status, nowhere.body],
    [404, { message: "404 invalid revision or path Not Found" }],
  );
});

test("files and blobs, as JSON, as they are, and by HEAD", async () => {
  const file = fileSchema.parse(await api.get(`${AT}/files/bin%2Frun.sh?ref=main`));
  assert.equal(Buffer.from(file.content, "base64").toString(), "#!/bin/sh\n");
  assert.deepEqual([file.execute_filemode, file.last_commit_id, file.commit_id], [true, first, merge]);
  const head = await fetch(`${server.url}/api/v4${AT}/files/${encodeURIComponent(HOSTILE_NAME)}?ref=main`, {
    method: "HEAD",
  });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("x-gitlab-size"), "4");
  assert.equal(
    decodeURIComponent((head.headers.get("x-gitlab-file-name") ?? "").replace("%41", "%2541")),
    HOSTILE_NAME,
  );
  const page = await fetch(`${server.url}/api/v4${AT}/files/page.html/raw?ref=main`);
  assert.equal(await page.text(), "<script>alert(1)</script>\n");
  assert.equal(page.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  assert.match(page.headers.get("content-security-policy") ?? "", /sandbox/);
  const odd = await fetch(`${server.url}/api/v4${AT}/files/${encodeURIComponent(HOSTILE_NAME)}/raw?ref=main`);
  assert.equal(await odd.text(), "odd\n");
  assert.doesNotMatch(odd.headers.get("content-disposition") ?? "", /[\n<]|\u202e/);
  const blob = blobSchema.parse(await api.get(`${AT}/blobs/${file.blob_id}`));
  assert.deepEqual([blob.sha, blob.size], [file.blob_id, 10]);
  const raw = await fetch(`${server.url}/api/v4${AT}/blobs/${file.blob_id}/raw`);
  assert.equal(await raw.text(), "#!/bin/sh\n");
  for (const path of ["nope", "bin", "sub"]) {
    const answer = await api.call("GET", `${AT}/files/${path}?ref=main`);
    assert.deepEqual([answer.status, answer.body], [404, { message: "404 File Not Found" }], path);
  }
  assert.equal((await api.call("GET", `${AT}/files/READ.md`)).status, 400);
  assert.deepEqual(await api.get(`${AT}/file_names?search=B/C.TX`), [{ path: "deep/a/b/c.txt" }]);
  assert.deepEqual(await api.get(`${AT}/refs?search=x`), [{ name: "topic/x", type: "branch" }]);
});

test("what has not changed is not sent again", async () => {
  for (const path of [
    "/branches",
    "/commits",
    "/tree",
    `/blobs/${await oidOf("main:READ.md")}`,
    "/files/READ.md/raw?ref=main",
  ]) {
    const url = `${server.url}/api/v4${AT}${path}`;
    const etag = (await fetch(url)).headers.get("etag") ?? "";
    assert.notEqual(etag, "", path);
    assert.equal((await fetch(url, { headers: { "If-None-Match": etag } })).status, 304, path);
    assert.equal((await fetch(url, { headers: { "If-None-Match": '"other"' } })).status, 200, path);
  }
});

test("archives unpack to what the commit has", async () => {
  const answer = await fetch(`${server.url}/api/v4${AT}/archive.tar.gz?sha=topic/x&path=bin`);
  assert.equal(answer.status, 200);
  const name = `browsed-topic-x-${topic}-bin`;
  assert.match(answer.headers.get("content-disposition") ?? "", new RegExp(`filename="${name}.tar.gz"`));
  const file = join(directory, "archive.tar.gz");
  await writeFile(file, Buffer.from(await answer.arrayBuffer()));
  await promisify(execFile)("tar", ["-xzf", file, "-C", directory]);
  assert.equal(await readlink(join(directory, name, "bin/link")), "run.sh");
  assert.deepEqual(await readdir(join(directory, name)), ["bin"]);
  const zip = Buffer.from(await (await fetch(`${server.url}/api/v4${AT}/archive.zip`)).arrayBuffer());
  assert.equal(zip.toString("latin1", 0, 2), "PK");
  assert.equal((await api.call("GET", `${AT}/archive.zip?sha=nope`)).status, 404);
});

test("no parameter reaches git as anything but a name", async () => {
  const hostile = [
    "--output=/tmp/x",
    "-x",
    "../../etc/passwd",
    "main@{1}",
    "main^{/first}",
    ":READ.md",
    "main~1",
    "a...b",
    "HEAD^{tree}",
    "main\nmain",
    "refs/heliostat/hidden",
    "main^",
    "@",
    "*",
    "%00".repeat(2),
    // No file could be called so.
    "n".repeat(256),
    `refs/heads/${"n".repeat(300)}`,
    "part/".repeat(850).concat("end"),
  ];
  for (const name of hostile) {
    const encoded = encodeURIComponent(name);
    for (const path of [
      `/commits/${encoded}`,
      `/commits/${encoded}/diff`,
      `/commits?ref_name=${encoded}`,
      `/tree?ref=${encoded}`,
      `/files/READ.md?ref=${encoded}`,
      `/archive.tar.gz?sha=${encoded}`,
      `/compare?from=${encoded}&to=main`,
      `/branches/${encoded}`,
      `/tags/${encoded}`,
      `/blobs/${encoded}`,
    ]) {
      const { status, body } = await anonymous.call("GET", `${AT}${path}`);
      assert.equal(status, 404, `${path}: ${JSON.stringify(body)}`);
    }
    const file = await anonymous.call("GET", `${AT}/files/${encoded}?ref=main`);
    assert.equal(file.status, 404, name);
    const tree = await anonymous.call("GET", `${AT}/tree?path=${encoded}`);
    assert.equal(tree.status, 404, name);
  }
  const nul = await anonymous.call("GET", `${AT}/tree?ref=%00`);
  assert.equal(nul.status, 400);
});

test("an empty repository has nothing, in GitLab's words", async () => {
  const at = `/projects/${empty.id}/repository`;
  assert.deepEqual(await api.get(`${at}/branches`), []);
  assert.deepEqual(await api.get(`${at}/tags`), []);
  assert.deepEqual(await api.get(`${at}/commits`), []);
  for (const [path, words] of [
    ["/tree", "404 Tree Not Found"],
    ["/commits/main", "404 Commit Not Found"],
    ["/files/a?ref=main", "404 Commit Not Found"],
    ["/archive", "404 File Not Found"],
    ["/blobs/1234567", "404 Blob Not Found"],
  ] as const) {
    const { status, body } = await api.call("GET", at + path);
    assert.deepEqual([status, body], [404, { message: words }]);
  }
});

test("who may not read the code is told no more than by GitLab", async () => {
  const at = `/projects/${secret.id}/repository/branches`;
  const user = await api.createUser("eve", "a password of hers");
  const tokens = {
    eve: await api.createToken(user, ["api"]),
    reader: await api.createToken(1, ["read_repository"]),
    writer: await api.createToken(1, ["write_repository"]),
  };
  assert.equal((await anonymous.call("GET", at)).status, 404);
  assert.equal((await api.as(tokens.eve).call("GET", at)).status, 404);
  assert.equal((await api.as(tokens.reader).call("GET", at)).status, 200);
  assert.equal((await api.as(tokens.writer).call("GET", at)).status, 403);
  const made = await api.as(tokens.eve).call("POST", `${AT}/branches`, { branch: "evil", ref: "main" });
  assert.equal(made.status, 403);
});

test("branches and tags are made and deleted", async () => {
  await api.post(`${AT}/branches`, { branch: "made", ref: "topic/x" });
  const twice = await api.call("POST", `${AT}/branches`, { branch: "made", ref: "topic/x" });
  assert.deepEqual([twice.status, twice.body], [400, { message: "Branch already exists" }]);
  const bad = await api.call("POST", `${AT}/branches`, { branch: "-x", ref: "main" });
  assert.deepEqual([bad.status, bad.body], [400, { message: "Branch name is invalid" }]);
  assert.equal(await oidOf("refs/heads/made"), topic);
  await api.delete(`${AT}/branches/made`);
  assert.equal((await api.call("GET", `${AT}/branches/made`)).status, 404);
  assert.equal((await api.call("DELETE", `${AT}/branches/main`)).status, 403);
  await api.post(`${AT}/tags`, { tag_name: "made", ref: "main" });
  assert.equal(await oidOf("refs/tags/made"), merge);
  await api.delete(`${AT}/tags/made`);
});

test("a branch says how far it is from its upstream", async () => {
  const upstream = await makeRepository(join(directory, "upstream.git"));
  const root = await makeCommit(upstream);
  for (const name of ["equal", "parted"]) await setRef(upstream, `refs/heads/${name}`, root);
  const peer = await startGitHttpPeer({ root: directory });
  try {
    const url = `${peer.url}/upstream.git`;
    const { id } = await api.createProject("mirrored", { mirror: true, import_url: url });
    await api.waitForMirror(id, "pull", "finished");
    const ours = server.repositoryOf(id);
    const made = await makeCommit(ours, { ref: "refs/heads/made-here", parents: [root] });
    await api.post(`/projects/${id}/repository/branches`, { branch: "own", ref: made });
    await git(ours, ["update-ref", "refs/heads/parted", made]);
    for (let i = 0; i < 2; i += 1) await makeCommit(upstream, { ref: "refs/heads/parted" });
    await api.update(id, "pull");
    const branches = branchSchema.array().parse(await api.get(`/projects/${id}/repository/branches`));
    const parted = branches.find(({ name }) => name === "parted")?.upstream;
    const tip = await git(upstream, ["rev-parse", "parted"]);
    assert.deepEqual(
      { ...parted, seen_at: "" },
      { id: tip, ahead: 1, behind: 2, diverged: true, seen_at: "" },
    );
    assert.equal(branches.find(({ name }) => name === "equal")?.upstream?.diverged, false);
    assert.equal(branches.find(({ name }) => name === "own")?.upstream, null);
  } finally {
    await peer.close();
  }
});

test("a large file comes as it is, and not as JSON", async () => {
  const { id } = await api.createProject("large", { visibility: "public" });
  const content = Buffer.alloc(11 * 1024 * 1024, "0123456789abcdef\n");
  const path = server.repositoryOf(id);
  const blob = await git(path, ["hash-object", "-w", "--stdin"], { input: content });
  const tree = await git(path, ["mktree"], { input: `100644 blob ${blob}\tlarge.bin\n` });
  await setRef(path, "refs/heads/main", await git(path, ["commit-tree", "-m", "large", tree]));
  const at = `/projects/${id}/repository`;
  assert.equal((await api.call("GET", `${at}/files/large.bin?ref=main`)).status, 413);
  assert.equal((await api.call("GET", `${at}/blobs/${blob}`)).status, 413);
  const raw = await fetch(`${server.url}/api/v4${at}/files/large.bin/raw?ref=main`);
  assert.equal(raw.headers.get("content-length"), String(content.length));
  assert.ok(Buffer.from(await raw.arrayBuffer()).equals(content));
  const head = await fetch(`${server.url}/api/v4${at}/files/large.bin?ref=main`, { method: "HEAD" });
  assert.equal(head.headers.get("x-gitlab-size"), String(content.length));
  const [diff] = fileDiffSchema.array().parse(await api.get(`${at}/commits/main/diff`));
  assert.deepEqual([diff?.too_large, diff?.diff], [true, ""]);
});

test("a tree that would be unpacked elsewhere is put into no archive", async () => {
  const { id } = await api.createProject("hostile", { visibility: "public" });
  const path = server.repositoryOf(id);
  const blob = await git(path, ["hash-object", "-w", "--stdin"], { input: "x" });
  const inner = await git(path, ["mktree"], { input: `100644 blob ${blob}\tevil\n` });
  const entry = (mode: string, name: string, oid: string) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, "hex")]);
  const trees = {
    above: entry("40000", "..", inner),
    link: Buffer.concat([entry("120000", "a", blob), entry("40000", "a", inner)]),
    git: entry("40000", ".GIT", inner),
  };
  for (const [name, content] of Object.entries(trees)) {
    const tree = await git(path, ["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], {
      input: content,
    });
    await setRef(path, `refs/heads/${name}`, await git(path, ["commit-tree", "-m", name, tree]));
    const answer = await api.call("GET", `/projects/${id}/repository/archive.tar.gz?sha=${name}`);
    assert.equal(answer.status, 422, name);
    assert.match(JSON.stringify(answer.body), /Clone it instead/);
  }
});

test("one client has so many archives of a project in a minute, and others have theirs", async () => {
  const { id } = await api.createProject("often", { visibility: "public" });
  await makeCommit(server.repositoryOf(id));
  const download = async (token: string | null, method = "GET") => {
    const headers = token === null ? {} : { "PRIVATE-TOKEN": token };
    const url = `${server.url}/api/v4/projects/${id}/repository/archive.tar`;
    const answer = await fetch(url, { method, headers });
    return { answer, body: Buffer.from(await answer.arrayBuffer()) };
  };
  for (let count = 0; count < 30; count += 1) {
    if (count === 0)
      assert.equal((await download(null, "HEAD")).answer.status, 200, "nothing is made for it");
    assert.equal((await download(null)).answer.status, 200, `archive ${count}`);
  }
  const { answer, body } = await download(null);
  assert.equal(answer.status, 429);
  assert.equal(answer.headers.get("retry-after"), "60");
  assert.match(JSON.parse(body.toString()).message, /No more than 30 archives/);
  assert.equal((await download(server.token)).answer.status, 200);
});

test("text of other encodings, and names that are not UTF-8, are still JSON", async () => {
  const { id } = await api.createProject("encodings", { visibility: "public" });
  const path = server.repositoryOf(id);
  const blob = await git(path, ["hash-object", "-w", "--stdin"], { input: "x" });
  const tree = await git(path, ["mktree", "-z"], {
    input: Buffer.concat([Buffer.from(`100644 blob ${blob}\tna`), Buffer.from([0xff, 0]), Buffer.from("")]),
  });
  const commit = (header: string, message: Buffer) =>
    git(path, ["hash-object", "-t", "commit", "-w", "--stdin"], {
      input: Buffer.concat([
        Buffer.from(
          `tree ${tree}\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n${header}\n`,
        ),
        message,
      ]),
    });
  await setRef(
    path,
    "refs/heads/latin",
    await commit("encoding ISO-8859-1\n", Buffer.from("gr\xfc\xdfe\n", "latin1")),
  );
  await setRef(path, "refs/heads/none", await commit("", Buffer.from("gr\xfc\xdfe\n", "latin1")));
  await setRef(path, "refs/heads/utf8", await commit("", Buffer.from("grüße\n")));
  for (const name of ["latin", "none", "utf8"]) {
    const { title } = singleCommitSchema.parse(await api.get(`/projects/${id}/repository/commits/${name}`));
    assert.equal(title, "grüße", name);
  }
  const [odd] = treeEntrySchema.array().parse(await api.get(`/projects/${id}/repository/tree?ref=utf8`));
  assert.equal(odd?.name, "na\ufffd");
  assert.equal((await api.call("GET", `/projects/${id}/repository/blobs/${odd?.id}`)).status, 200);
});

test("python-gitlab reads a repository", async () => {
  const program = `
import sys, gitlab
url, token, project = sys.argv[1:]
p = gitlab.Gitlab(url, private_token=token).projects.get(int(project))
assert [b.name for b in p.branches.list()] == ["main", "topic/x"]
assert p.branches.get("topic/x").commit["title"] == "topic"
assert p.tags.get("v1.0").message == "release"
assert len(p.commits.list(get_all=True, per_page=2)) == 4
commit = p.commits.get("main")
assert commit.stats["total"] == 1 and len(commit.diff()) == 1
assert {r["name"] for r in commit.refs("branch")} == {"main"}
assert any(e["type"] == "commit" for e in p.repository_tree(get_all=True, per_page=2))
keyset = list(p.repository_tree(recursive=True, pagination="keyset", per_page=2, iterator=True))
assert [e["path"] for e in keyset] == [e["path"] for e in p.repository_tree(recursive=True, get_all=True)]
f = p.files.get("bin/run.sh", ref="main")
assert f.decode() == b"#!/bin/sh\\n"
assert p.files.raw("bin/run.sh", ref="main") == b"#!/bin/sh\\n"
assert p.repository_raw_blob(f.blob_id) == b"#!/bin/sh\\n"
assert p.repository_compare("light", "topic/x")["commits"][0]["title"] == "topic"
assert p.repository_merge_base(["light", "topic/x"])["title"] == "first"
assert p.repository_archive(format="zip")[:2] == b"PK"
b = p.branches.create({"branch": "python", "ref": "main"})
b.delete()
`;
  await promisify(execFile)("/usr/bin/python3", [
    "-c",
    program,
    server.url,
    server.token,
    String(project.id),
  ]);
});

test("who asks for large comparisons and leaves holds nobody up", async () => {
  const large = await api.createProject("large-changes", { visibility: "public" });
  const path = server.repositoryOf(large.id);
  const files = (word: string) =>
    Array.from({ length: 300 }, (_, file) => {
      const lines = Array.from({ length: 400 }, (_line, line) => `${word}-${file}-${line * 7919}`);
      return `M 100644 inline ${word}-${file}\n${page(lines.join("\n"))}`;
    }).join("");
  await git(path, ["fast-import", "--quiet"], {
    input: `commit refs/heads/main\nmark :1\ncommitter ${WHO}\n${page("old")}${files("old")}commit refs/heads/main\ncommitter ${WHO}\n${page("new")}from :1\ndeleteall\n${files("new")}`,
  });
  const old = await git(path, ["rev-parse", "main~"]);
  const runs = (command: string): boolean => server.listGit().some((line) => line.includes(command));
  for (const [what, command, times] of [
    ["commits/main/diff", "diff-tree", 12],
    [`compare?from=${old}&to=main&straight=true`, "diff-tree", 1],
    ["archive.tar.gz", "archive", 2],
  ] as const) {
    const leaving = new AbortController();
    const url = `${server.url}/api/v4/projects/${large.id}/repository/${what}`;
    const answers = Array.from({ length: times }, async () => {
      const answer = await fetch(url, { signal: leaving.signal });
      for await (const _chunk of answer.body ?? []) await sleep(50);
    });
    const ends = answers.map((answer) => assert.rejects(answer, what));
    await waitFor(() => runs(command), { message: `${command} runs` });
    leaving.abort();
    await Promise.all(ends);
    await waitFor(() => !runs(command), { message: `no ${command} is left` });
  }
});
