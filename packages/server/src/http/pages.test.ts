import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createInMemoryUseCases, SECRETS } from "./test-support/in-memory-use-cases.ts";
import { startServer } from "./test-support/start-server.ts";

describe("the web interface", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "http-pages-"));
    await mkdir(join(folder, "web", "assets"), { recursive: true });
    await writeFile(join(folder, "web", "index.html"), "<!doctype html><title>built</title>");
    await writeFile(join(folder, "web", "mirrors.html"), "<!doctype html><title>mirrors</title>");
    await writeFile(join(folder, "web", "assets", "app-1234.js"), "export {};");
    await writeFile(join(folder, "outside"), "secret");
  });
  after(async () => await rm(folder, { recursive: true, force: true }));

  const html = { accept: "text/html,application/xhtml+xml" };

  test("its page is at / and wherever a browser may be, with headers that keep it to itself", async () => {
    const settings = { externalUrl: "http://x", webRoot: join(folder, "web") };
    await using server = await startServer(createInMemoryUseCases(), { settings });
    for (const path of ["/", "/grp/project", "/grp/project/-/settings/repository?x=1"]) {
      const page = await server.ask("GET", path, { headers: html });
      assert.equal(page.status, 200, path);
      assert.match(page.text, /<title>built/);
      assert.match(String(page.headers["content-security-policy"]), /frame-ancestors 'none'/);
      assert.equal(page.headers["x-content-type-options"], "nosniff");
      assert.equal(page.headers["cache-control"], "no-cache");
    }
    const mirrors = await server.ask("GET", "/-/mirrors");
    assert.match(mirrors.text, /<title>mirrors/);
    assert.match(String(mirrors.headers["content-security-policy"]), /frame-ancestors 'none'/);
    const script = await server.ask("GET", "/assets/app-1234.js");
    assert.match(String(script.headers["content-type"]), /javascript/);
    assert.match(String(script.headers["cache-control"]), /immutable/);
    const missing: [string, string][] = [
      ["GET", "/assets/none.js"],
      ["POST", "/grp/project"],
      ["PUT", "/grp/project"],
      ["GET", "/../outside"],
      ["GET", "/%2e%2e/outside"],
      ["GET", "/..%2foutside"],
    ];
    for (const [method, path] of missing) {
      const answer = await server.ask(method, path);
      assert.equal(answer.status, 404, path);
      assert.doesNotMatch(answer.text, /secret/);
    }
  });

  test("one that is not built is a sentence, and everything else works", async () => {
    const settings = { externalUrl: "http://x", webRoot: join(folder, "not-built") };
    await using server = await startServer(createInMemoryUseCases(), { settings });
    const page = await server.ask("GET", "/", { headers: html });
    assert.equal(page.status, 200);
    assert.match(page.text, /not built/);
    assert.equal((await server.ask("GET", "/grp/project", { headers: html })).status, 404);
    assert.equal((await server.ask("GET", "/api/v4/user", { token: SECRETS.api })).status, 200);
  });
});

test("closing waits for what is under way, and cuts what does not end", async () => {
  const checks: (() => void)[] = [];
  const checkReadiness = async () => {
    await new Promise<void>((resolve) => checks.push(resolve));
    return { ok: true, checks: {} };
  };
  const server = await startServer(createInMemoryUseCases({ checkReadiness }), {
    limits: { drainTimeoutMs: 400 },
  });
  const quick = server.ask("GET", "/-/readiness");
  const stuck = server.ask("GET", "/-/readiness");
  const outcome = Promise.allSettled([quick, stuck]);
  while (checks.length < 2) await sleep(5);
  const closed = server[Symbol.asyncDispose]();
  await sleep(50);
  checks[0]?.();
  await closed;
  assert.deepEqual(
    (await outcome).map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
});
