import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { HeliostatError } from "../../domain/errors.ts";
import { SECRETS } from "../test-support/in-memory-use-cases.ts";
import { git, mustGit, openGitDoor, PRIVATE, PUBLIC, TOKEN } from "./git-door.test-support.ts";

const { folder, work, server, urlOf, target, commitBytes, post, largestPush, refuseLater } =
  await openGitDoor();

describe("git over HTTP", () => {
  test("anybody clones what is public, in every version of the protocol, with and without .git", async () => {
    for (const version of ["0", "1", "2"]) {
      for (const suffix of ["", ".git", ".git/"]) {
        const clone = target();
        await mustGit(folder, [
          "-c",
          `protocol.version=${version}`,
          "clone",
          "-q",
          "--mirror",
          urlOf(PUBLIC + suffix),
          clone,
        ]);
        assert.equal((await mustGit(clone, ["rev-list", "--count", "main"])).trim(), "3000");
      }
    }
    const shallow = target();
    await mustGit(folder, [
      "clone",
      "-q",
      "--bare",
      "--depth=3",
      "--filter=blob:none",
      urlOf(PUBLIC),
      shallow,
    ]);
    assert.equal((await mustGit(shallow, ["rev-list", "--count", "HEAD"])).trim(), "3");
  });

  test("a private repository challenges first, then takes a token in every form", async () => {
    const forms = [
      `root:${TOKEN}`,
      `oauth2:${TOKEN}`,
      `${TOKEN}:`,
      `${TOKEN}:x-oauth-basic`,
      `x-access-token:${TOKEN}`,
    ];
    for (const userinfo of forms) await mustGit(folder, ["ls-remote", urlOf(`${PRIVATE}.git`, userinfo)]);
    for (const header of [`Authorization: Bearer ${TOKEN}`, `PRIVATE-TOKEN: ${TOKEN}`]) {
      const clone = target();
      await mustGit(folder, [
        "-c",
        `http.extraHeader=${header}`,
        "clone",
        "-q",
        "--mirror",
        urlOf(PRIVATE),
        clone,
      ]);
    }
    const anonymous = await git(folder, ["ls-remote", urlOf(PRIVATE)]);
    assert.notEqual(anonymous.code, 0);
    assert.match(anonymous.err, /could not read Username/);
    const wrong = await git(folder, ["ls-remote", urlOf(PRIVATE, "root:wrong")]);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.err, /remote: Access denied/);
    assert.match(wrong.err, /Authentication failed/);
  });

  test("the challenge, the refusals and their words", async () => {
    const info = (path: string) => `/${path}/info/refs?service=git-upload-pack`;
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    for (const path of [PRIVATE, "no/such", "no/such.git"]) {
      const answer = await server.ask("GET", info(path));
      assert.equal(answer.status, 401, path);
      assert.match(String(answer.headers["www-authenticate"]), /^Basic realm="Heliostat"/);
      assert.match(String(answer.headers["content-type"]), /^text\/plain/);
    }
    for (const headers of [
      basic("root:wrong"),
      { authorization: "Bearer wrong" },
      { authorization: "Basic ====" },
    ]) {
      const answer = await server.ask("GET", info(PUBLIC), { headers });
      assert.equal(answer.status, 401);
      assert.match(String(answer.headers["www-authenticate"]), /^Basic /);
    }
    const unknown = await server.ask("GET", info("no/such"), { headers: basic(`root:${TOKEN}`) });
    assert.equal(unknown.status, 404);
    const blocked = await server.ask("GET", info(PUBLIC), { headers: { "private-token": SECRETS.blocked } });
    assert.deepEqual(
      [blocked.status, blocked.text],
      [401, "Access denied. Your account has been blocked.\n"],
    );
    for (const path of [`/${PUBLIC}/info/refs`, `/${PUBLIC}.git/HEAD`, `/${PUBLIC}.git/objects/info/packs`]) {
      const dumb = await server.ask("GET", path);
      assert.equal(dumb.status, 403, path);
      assert.match(dumb.text, /smart HTTP/);
    }
    const archive = await server.ask("GET", `/${PUBLIC}/info/refs?service=git-upload-archive`);
    assert.equal(archive.status, 403);
    const pushed = await git(work, ["push", urlOf(PUBLIC, SECRETS.stranger), "main"]);
    assert.match(pushed.err, /remote: Access denied - You are not allowed to push/);
  });

  test("the headers of an advertisement are git's own, HEAD has them too", async () => {
    const path = `/${PUBLIC}.git/info/refs?service=git-upload-pack`;
    const get = await server.ask("GET", path);
    assert.equal(get.headers["content-type"], "application/x-git-upload-pack-advertisement");
    assert.match(String(get.headers["cache-control"]), /no-cache/);
    assert.ok(get.text.startsWith("001e# service=git-upload-pack\n0000"));
    const v2 = await server.ask("GET", path, { headers: { "git-protocol": "version=2" } });
    assert.ok(v2.text.startsWith("000eversion 2\n"), v2.text.slice(0, 40));
    const odd = await server.ask("GET", path, { headers: { "git-protocol": "version=2;$(x)" } });
    assert.ok(odd.text.startsWith("001e# service"));
    const head = await server.ask("HEAD", path);
    assert.deepEqual(
      [head.status, head.headers["content-type"], head.text],
      [200, get.headers["content-type"], ""],
    );
  });

  test("paths that climb out, hide a slash or hold odd names are 404", async () => {
    const rest = "info/refs?service=git-upload-pack";
    const odd = [
      "grp/../../etc",
      "grp/%2e%2e/%2e%2e/etc",
      "grp%2fsub%2fpublic",
      "grp/sub%2Fpublic.git",
      "grp/pub%00lic",
      "grp/-c%20x",
      "grp/%0a",
      "grp/.git",
      "grp/%",
      "one",
      `${"a/".repeat(30)}b`,
      `grp/${"n".repeat(300)}`,
    ];
    for (const path of odd) {
      const answer = await server.ask("GET", `/${path}/${rest}`);
      // A broken escape is no path at all.
      assert.equal(answer.status, path.endsWith("%") ? 400 : 404, path);
      assert.equal(answer.headers["www-authenticate"], undefined);
    }
  });

  test("a large push that is refused before it is read hears so, and not that the line broke", async () => {
    await commitBytes("refused.bin", 24 * 1024 * 1024);
    const push = ["push", "-q", urlOf(PRIVATE, `oauth2:${TOKEN}`), "HEAD:refs/heads/refused"];
    try {
      for (const [code, words] of [
        ["forbidden", /HTTP 403/],
        ["unauthenticated", /Authentication failed|could not read Username|HTTP 401/],
      ] as const) {
        // At once in one request, and after a small one that asks whether it may.
        for (const size of ["100m", "1m"]) {
          refuseLater(new HeliostatError(code, "No."));
          const { code: exit, err } = await git(work, ["-c", `http.postBuffer=${size}`, ...push]);
          assert.notEqual(exit, 0);
          assert.match(err, words);
          assert.doesNotMatch(err, /reset by peer|Broken pipe|curl (52|55|56)/);
        }
      }
    } finally {
      refuseLater(null);
    }
    await mustGit(work, ["reset", "-q", "--hard", "HEAD~1"]);
  });

  test("a fetch with many haves is compressed by git and understood", async () => {
    const clone = target();
    await mustGit(folder, ["clone", "-q", urlOf(PUBLIC), clone]);
    await mustGit(clone, ["checkout", "-q", "--orphan", "other"]);
    for (let i = 0; i < 40; i += 1) await mustGit(clone, ["commit", "-q", "--allow-empty", "-m", `o${i}`]);
    await commitBytes("new-for-fetch", 100);
    await mustGit(work, ["push", "-q", join(folder, "public.git"), "main"]);
    const trace = join(folder, "trace");
    for (const version of ["0", "2"]) {
      await mustGit(clone, ["update-ref", "refs/remotes/origin/main", "refs/remotes/origin/main~1"]);
      await mustGit(clone, ["-c", `protocol.version=${version}`, "fetch", "-q", "origin"], {
        GIT_TRACE_CURL: trace,
      });
    }
    assert.match(await readFile(trace, "utf8"), /content-encoding: gzip/i);
    assert.equal(
      (await mustGit(clone, ["rev-parse", "origin/main"])).trim(),
      (await mustGit(work, ["rev-parse", "main"])).trim(),
    );
  });

  test("small and large pushes arrive; a large one is probed and then chunked", async () => {
    await commitBytes("small", 1000);
    await mustGit(work, ["push", "-q", urlOf(PUBLIC, TOKEN), "main"]);
    await commitBytes("large", 5_000_000);
    const trace = join(folder, "trace-push");
    await mustGit(work, ["push", "-q", urlOf(`${PRIVATE}.git`, TOKEN), "main"], { GIT_TRACE_CURL: trace });
    await commitBytes("large-2", 3_000_000);
    await mustGit(work, ["-c", "http.expectContinue=true", "push", "-q", urlOf(PRIVATE, TOKEN), "main"]);
    const traced = await readFile(trace, "utf8");
    assert.match(traced, /content-length: 4\b/i);
    assert.match(traced, /transfer-encoding: chunked/i);
    assert.ok(largestPush() > 5_000_000);
    const tip = (await mustGit(work, ["rev-parse", "main"])).trim();
    assert.equal((await mustGit(join(folder, "private.git"), ["rev-parse", "main"])).trim(), tip);
  });

  test("a fetch request may not be longer than the limit, compressed or not", async () => {
    const tip = (await mustGit(join(folder, "public.git"), ["rev-parse", "main"])).trim();
    const have = "0032have 0000000000000000000000000000000000000001\n";
    const long = Buffer.from(`0032want ${tip}\n0000${have.repeat(60_000)}`);
    const plain = await post(PUBLIC, "upload-pack", {}, long);
    assert.equal(plain.status, 413, plain.text);
    const packed = await post(PUBLIC, "upload-pack", { "content-encoding": "gzip" }, gzipSync(long));
    assert.equal(packed.status, 413, packed.text);
  });

  test("bodies that are not what they say are refused", async () => {
    const nonsense = await post(PUBLIC, "upload-pack", {}, Buffer.from("0009xxxxx"));
    assert.equal(nonsense.status, 500);
    const garbage = await post(PUBLIC, "upload-pack", { "content-encoding": "gzip" }, Buffer.from("garbage"));
    assert.equal(garbage.status, 400);
    const brotli = await post(PUBLIC, "upload-pack", { "content-encoding": "br" }, Buffer.from("x"));
    assert.equal(brotli.status, 415);
    const wrongType = await server.ask("POST", `/${PUBLIC}/git-upload-pack`, {
      headers: { "content-type": "text/plain" },
      body: "0000",
    });
    assert.equal(wrongType.status, 415);
    const get = await server.ask("GET", `/${PUBLIC}/git-upload-pack`);
    assert.equal(get.status, 405);
  });

  test("the probe of four bytes gets an empty result", async () => {
    const answer = await post(PUBLIC, "receive-pack", { "private-token": TOKEN }, Buffer.from("0000"));
    assert.deepEqual(
      [answer.status, answer.headers["content-type"], answer.text],
      [200, "application/x-git-receive-pack-result", ""],
    );
  });
});
