import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { GitExchange, GitService } from "../../app/git-exchange.ts";
import type { OpenRepository } from "../../app/use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { createInMemoryUseCases, SECRETS } from "../test-support/in-memory-use-cases.ts";
import { type RunningServer, startServer } from "../test-support/start-server.ts";

const PUBLIC = "grp/sub/public";
const PRIVATE = "grp/private";
const TOKEN = SECRETS.api;

const ENVIRONMENT = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.org",
  LC_ALL: "C",
};

interface GitRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a git client; its exit code is the test's to judge. */
async function git(cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<GitRun> {
  const child = spawn("git", args, {
    cwd,
    env: { ...ENVIRONMENT, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code, out, err };
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function mustGit(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const run = await git(cwd, args, env);
  assert.equal(run.code, 0, `git ${args.join(" ")}: ${run.err}`);
  return run.out;
}

describe("git over HTTP", () => {
  let folder: string;
  let work: string;
  let server: RunningServer;
  const children = new Set<ChildProcess>();
  let largestPush = 0;
  /** What the requests of a push after its first meet. */
  let laterRefusal: { readonly error: HeliostatError; calls: number } | null = null;

  /** The repository on disk behind git's own stateless services. */
  function openPlain(path: string, service: GitService): OpenRepository {
    const start = (exchange: GitExchange, ...args: string[]): ChildProcess => {
      const child = spawn("git", [service, "--stateless-rpc", ...args, path], {
        env: { ...ENVIRONMENT, ...(exchange.protocol === null ? {} : { GIT_PROTOCOL: exchange.protocol }) },
        stdio: ["pipe", "pipe", "ignore"],
      });
      children.add(child);
      child.once("close", () => children.delete(child));
      exchange.signal.addEventListener("abort", () => child.kill("SIGKILL"));
      return child;
    };
    return {
      converse: async () => {},
      advertise: async (exchange) => {
        const { stdout } = start(exchange, "--http-backend-info-refs");
        assert.ok(stdout);
        return stdout;
      },
      serve: async (input, output, exchange) => {
        const child = start(exchange);
        assert.ok(child.stdin && child.stdout);
        let received = 0;
        input.on("data", (chunk: Buffer) => {
          received += chunk.length;
          if (service === "receive-pack") largestPush = Math.max(largestPush, received);
        });
        const closed = once(child, "close");
        // git may end without reading all it was sent.
        const sent = pipeline(input, child.stdin).catch(() => {});
        await pipeline(child.stdout, output);
        await sent;
        const [code] = await closed;
        if (exchange.signal.aborted) throw new HeliostatError("cancelled", "aborted");
        if (code !== 0) throw new HeliostatError("git-failed", `git ended with ${code}`);
      },
    };
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "http-git-"));
    work = join(folder, "work");
    for (const name of ["public", "private"]) {
      await mustGit(folder, ["init", "-q", "--bare", "--initial-branch=main", `${name}.git`]);
    }
    await mustGit(folder, ["init", "-q", "--initial-branch=main", "work"]);
    // 3,000 commits made in one process: enough that a later fetch sends its haves compressed.
    const stream = Array.from(
      { length: 3000 },
      (_, i) => `commit refs/heads/main\ncommitter A <a@example.org> ${1_700_000_000 + i} +0000\ndata 1\nx\n`,
    ).join("");
    const load = spawn("git", ["fast-import", "--quiet"], {
      cwd: work,
      env: ENVIRONMENT,
      stdio: ["pipe", "ignore", "inherit"],
    });
    load.stdin.end(stream);
    await once(load, "close");
    await mustGit(work, ["push", "-q", join(folder, "public.git"), "main"]);
    await mustGit(work, ["push", "-q", join(folder, "private.git"), "main"]);
    const useCases = createInMemoryUseCases({
      openRepository: async (principal, fullPath, service) => {
        const known = fullPath === PUBLIC || fullPath === PRIVATE;
        const isOpen = fullPath === PUBLIC && service === "upload-pack";
        if (principal.kind === "anonymous" && !isOpen)
          throw new HeliostatError("unauthenticated", "Sign in.");
        if (!known)
          throw new HeliostatError("not-found", "The project you were looking for could not be found.");
        if (laterRefusal !== null && ++laterRefusal.calls > 1) throw laterRefusal.error;
        if (principal.kind === "user" && principal.user.id === 2 && service === "receive-pack") {
          throw new HeliostatError("forbidden", "You are not allowed to push code to this project.");
        }
        return openPlain(join(folder, fullPath === PUBLIC ? "public.git" : "private.git"), service);
      },
    });
    server = await startServer(useCases, {
      settings: { externalUrl: "http://x" },
      limits: { fetchRequestBytes: 2 * 1024 * 1024, drainTimeoutMs: 1000 },
    });
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  function urlOf(fullPath: string, userinfo = ""): string {
    return `http://${userinfo === "" ? "" : `${userinfo}@`}127.0.0.1:${server.port}/${fullPath}`;
  }

  let lastTarget = 0;
  function target(): string {
    lastTarget += 1;
    return join(folder, `clone-${lastTarget}`);
  }

  async function commitBytes(name: string, bytes: number): Promise<void> {
    await writeFile(join(work, name), randomBytes(bytes));
    await mustGit(work, ["add", name]);
    await mustGit(work, ["commit", "-q", "-m", name]);
  }

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
          laterRefusal = { error: new HeliostatError(code, "No."), calls: 0 };
          const { code: exit, err } = await git(work, ["-c", `http.postBuffer=${size}`, ...push]);
          assert.notEqual(exit, 0);
          assert.match(err, words);
          assert.doesNotMatch(err, /reset by peer|Broken pipe|curl (52|55|56)/);
        }
      }
    } finally {
      laterRefusal = null;
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
    assert.ok(largestPush > 5_000_000);
    const tip = (await mustGit(work, ["rev-parse", "main"])).trim();
    assert.equal((await mustGit(join(folder, "private.git"), ["rev-parse", "main"])).trim(), tip);
  });

  function post(fullPath: string, service: GitService, headers: Record<string, string>, body: Buffer) {
    return server.ask("POST", `/${fullPath}/git-${service}`, {
      headers: { "content-type": `application/x-git-${service}-request`, ...headers },
      body,
    });
  }

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

  async function untilNoChildren(): Promise<void> {
    for (let i = 0; i < 200 && children.size > 0; i += 1) await sleep(20);
    assert.equal(children.size, 0);
  }

  test("a client that is killed in the middle of a push leaves no process and no error", async () => {
    await untilNoChildren();
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /${PRIVATE}/git-receive-pack HTTP/1.1\r\nHost: x\r\nPrivate-Token: ${TOKEN}\r\n` +
        "Content-Type: application/x-git-receive-pack-request\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n00a0\r\n",
    );
    while (children.size === 0) await sleep(10);
    const before = server.log.length;
    socket.destroy();
    await untilNoChildren();
    await sleep(50);
    const lines = server.log.slice(before);
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields["clientGone"]]),
      [["info", true]],
    );
  });

  test("a client that stops reading is waited for, not buffered; when it goes, git goes", async () => {
    await untilNoChildren();
    // Its pack is far larger than all buffers on the way.
    const big = join(folder, "big");
    await mustGit(folder, ["clone", "-q", join(folder, "private.git"), big]);
    const tip = (await mustGit(work, ["rev-parse", "main"])).trim();
    const line = (payload: string) => (payload.length + 4).toString(16).padStart(4, "0") + payload;
    const body = `${line(`want ${tip} side-band-64k ofs-delta\n`)}0000${line("done\n")}`;
    const request = httpRequest({
      host: "127.0.0.1",
      port: server.port,
      method: "POST",
      path: `/${PRIVATE}/git-upload-pack`,
      headers: { "content-type": "application/x-git-upload-pack-request", "private-token": TOKEN },
      agent: false,
    });
    request.end(body);
    const [response] = await once(request, "response");
    response.pause();
    await sleep(300);
    assert.equal(children.size, 1);
    request.destroy();
    await untilNoChildren();
  });

  test("git that ends before it has read everything is no error, and the connection lives on", async () => {
    const repository: OpenRepository = {
      converse: async () => {},
      advertise: async () => Buffer.from("0000"),
      serve: async (input, output) => {
        await once(input, "readable");
        // What a pipeline to a closed pipe does to its source.
        input.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
        await sleep(20);
        output.end("0008NAK\n");
      },
    };
    await using server = await startServer(
      createInMemoryUseCases({ openRepository: async () => repository }),
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    for (const service of ["upload-pack", "receive-pack", "upload-pack"]) {
      const request = httpRequest({
        host: "127.0.0.1",
        port: server.port,
        method: "POST",
        path: `/${PUBLIC}/git-${service}`,
        headers: { "content-type": `application/x-git-${service}-request` },
        agent,
      });
      request.end(Buffer.alloc(700_000));
      const [response] = await once(request, "response");
      assert.equal(response.statusCode, 200);
      assert.equal(await text(response), "0008NAK\n");
      sockets.add(request.socket);
    }
    agent.destroy();
    assert.equal(sockets.size, 1);
  });

  test("an exchange in which nothing moves is cut", async () => {
    await using slow = await startServer(
      createInMemoryUseCases({
        openRepository: async (_principal, _path, service) => openPlain(join(folder, "public.git"), service),
      }),
      { limits: { gitIdleTimeoutMs: 200 } },
    );
    const socket = connect(slow.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /${PUBLIC}/git-upload-pack HTTP/1.1\r\nHost: x\r\n` +
        "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 400\r\n\r\n0032",
    );
    await once(socket.resume(), "close");
    await untilNoChildren();
  });

  /** A server that waits moments for what the door waits minutes for. */
  async function startHasty(path: string): Promise<RunningServer> {
    const useCases = createInMemoryUseCases({
      openRepository: async (_principal, _path, service) => openPlain(join(folder, path), service),
    });
    return await startServer(useCases, { limits: { gitFetchPaceMs: 300, gitPushPaceMs: 300 } });
  }

  for (const service of ["upload-pack", "receive-pack"]) {
    test(`a client that sends what it asks ${service} by drips is cut, though something always moves`, async () => {
      await untilNoChildren();
      await using hasty = await startHasty("public.git");
      const socket = connect(hasty.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(
        `POST /${PUBLIC}/git-${service} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-${service}-request\r\n` +
          "Content-Length: 65520\r\n\r\nfff0",
      );
      const drips = setInterval(() => socket.write("x"), 20).unref();
      let answer = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => {
        answer += chunk;
      });
      await once(socket, "close");
      clearInterval(drips);
      assert.match(answer, /^HTTP\/1\.1 408 .*too slowly/s);
      await untilNoChildren();
    });
  }

  test("a client that reads its answer by drips is cut, and git with it", async () => {
    await untilNoChildren();
    await using hasty = await startHasty("private.git");
    // Far larger than all buffers on the way.
    await commitBytes("drips", 16 * 1024 * 1024);
    await mustGit(work, ["push", "-q", join(folder, "private.git"), "HEAD:refs/heads/drips"]);
    const tip = (await mustGit(join(folder, "private.git"), ["rev-parse", "drips"])).trim();
    const line = (payload: string) => (payload.length + 4).toString(16).padStart(4, "0") + payload;
    const body = `${line(`want ${tip} side-band-64k ofs-delta\n`)}0000${line("done\n")}`;
    const socket = connect(hasty.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /${PRIVATE}/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-upload-pack-request\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, "readable");
    assert.equal(children.size, 1);
    const drips = setInterval(() => socket.read(1), 20).unref();
    // git may take a while until it sends so much that somebody has to wait.
    for (let i = 0; i < 1000 && children.size > 0; i += 1) await sleep(20);
    assert.equal(children.size, 0);
    clearInterval(drips);
    socket.destroy();
  });

  test("an error after the first byte ends the connection, one before it is told", async () => {
    let repository: OpenRepository = openPlain("unset", "upload-pack");
    await using broken = await startServer(
      createInMemoryUseCases({ openRepository: async () => repository }),
    );
    const failing = async function* () {
      yield Buffer.from("0008NAK\n");
      await sleep(10);
      throw new Error("disk on fire");
    };
    repository = {
      converse: async () => {},
      advertise: async () => {
        throw new HeliostatError("repository-corrupt", "object 1234 is broken");
      },
      serve: (_input, output) => pipeline(Readable.from(failing()), output),
    };
    const before = await broken.ask("GET", `/${PUBLIC}/info/refs?service=git-upload-pack`);
    assert.equal(before.status, 500);
    assert.equal(
      before.text,
      `Internal error. The log has more under request ${before.headers["x-request-id"]}.\n`,
    );
    await assert.rejects(
      broken.ask("POST", `/${PUBLIC}/git-upload-pack`, {
        headers: { "content-type": "application/x-git-upload-pack-request" },
        body: "0000",
      }),
      /aborted|ECONNRESET/,
    );
    assert.equal(broken.log.filter(({ level }) => level === "error").length, 2);
  });
});
