import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import layers from "../.dependency-cruiser.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the violations below lead to; by itself, and with the imports that are allowed, it breaks no rule. */
const ALLOWED = {
  "packages/contract/src/index.ts": `import { z } from "zod";\nexport const word = z.string();\n`,
  "packages/server/src/domain/mirror.ts": `import { RE2JS } from "re2js";\nimport { word } from "../../../contract/src/index.ts";\nexport const mirror = [RE2JS, word];\n`,
  "packages/server/src/domain/egg.ts": `export const egg = 1;\n`,
  "packages/server/src/domain/hen.ts": `import { egg } from "./egg.ts";\nexport const hen = () => egg;\n`,
  "packages/server/src/app/ports.ts": `import type { mirror } from "../domain/mirror.ts";\nexport interface Ports { mirror: typeof mirror }\nexport const value = 1;\n`,
  "packages/server/src/app/create-mirror.ts": `import { mirror } from "../domain/mirror.ts";\nimport type { Readable } from "node:stream";\nimport type { Ports } from "./ports.ts";\nexport type R = Readable;\nexport const createMirror = (ports: Ports) => [ports, mirror];\n`,
  "packages/server/src/exec/run.ts": `import { spawn } from "node:child_process";\nexport const run = spawn;\n`,
  "packages/server/src/git/fetch.ts": `import type { Ports } from "../app/ports.ts";\nimport { run } from "../exec/run.ts";\nexport const fetch = (ports: Ports) => [run, ports];\n`,
  "packages/server/src/db/pool.ts": `import { Pool } from "pg";\nexport const pool = Pool;\n`,
  "packages/server/src/db/embedded/start.ts": `import { run } from "../../exec/run.ts";\nexport const start = run;\n`,
  "packages/server/src/config/settings.ts": `export interface Settings { readonly a: string }\nexport const read = 1;\n`,
  "packages/server/src/jobs/queue.ts": `import { createMirror } from "../app/create-mirror.ts";\nexport const queue = createMirror;\n`,
  "packages/server/src/http/server.ts": `import { createMirror } from "../app/create-mirror.ts";\nimport type { Settings } from "../config/settings.ts";\nexport const server = (settings: Settings) => [createMirror, settings];\n`,
  "packages/server/src/cli/serve.ts": `import { start } from "../compose/start-server.ts";\nimport { read } from "../config/settings.ts";\nexport const serve = [start, read];\n`,
  "packages/server/src/domain/mirror.test-support.ts": `import fc from "fast-check";\nexport const mirrors = fc.string();\n`,
  "packages/server/src/domain/digest.ts": `import { createHash } from "node:crypto";\nexport const digest = createHash;\n`,
  "packages/server/src/compose/start-server.ts": `import { pool } from "../db/pool.ts";\nimport { fetch } from "../git/fetch.ts";\nimport { server } from "../http/server.ts";\nexport const start = [pool, fetch, server];\n`,
  "packages/server/src/git/fetch.test.ts": `import { spawn } from "node:child_process";\nimport fc from "fast-check";\nimport { pool } from "../db/pool.ts";\nexport const all = [spawn, fc, pool];\n`,
  "packages/web/src/main.ts": `import { word } from "../../contract/src/index.ts";\nexport const page = word;\n`,
  "test/support/make-repository.ts": `import { spawn } from "node:child_process";\nexport const makeRepository = spawn;\n`,
};

/**
 * Rule → files that break it, each in one way that somebody may really try.
 *
 * @type {Record<string, Record<string, string>>}
 */
const VIOLATIONS = {
  "domain-is-pure": {
    "packages/server/src/domain/reads-a-file.ts": `import "node:fs";`,
    "packages/server/src/domain/knows-a-port.ts": `import type { Ports } from "../app/ports.ts";\nexport type P = Ports;`,
    "packages/server/src/domain/uses-a-package.ts": `import "undici";`,
  },
  "app-knows-ports-only": {
    "packages/server/src/app/knows-an-adapter.ts": `import "../git/fetch.ts";`,
    "packages/server/src/app/knows-a-door.ts": `import "../http/server.ts";`,
    "packages/server/src/app/knows-an-adapter-type.ts": `import type { pool } from "../db/pool.ts";\nexport type P = typeof pool;`,
  },
  "app-streams-are-types": {
    "packages/server/src/app/makes-a-stream.ts": `import { PassThrough } from "node:stream";\nexport const s = PassThrough;`,
  },
  "adapters-are-strangers": {
    "packages/server/src/git/knows-the-database.ts": `import "../db/pool.ts";`,
    "packages/server/src/db/knows-git.ts": `import type { fetch } from "../git/fetch.ts";\nexport type F = typeof fetch;`,
    "packages/server/src/remotes/knows-the-queue.ts": `import "../jobs/queue.ts";`,
  },
  "adapters-know-ports-not-use-cases": {
    "packages/server/src/git/calls-a-use-case.ts": `import "../app/create-mirror.ts";`,
  },
  "ports-are-types": {
    "packages/server/src/git/takes-a-value-of-ports.ts": `import { value } from "../app/ports.ts";\nexport const v = value;`,
  },
  "adapters-know-no-door": {
    "packages/server/src/secrets/knows-http.ts": `import "../http/server.ts";`,
  },
  "doors-call-use-cases": {
    "packages/server/src/http/asks-the-database.ts": `import "../db/pool.ts";`,
    "packages/server/src/jobs/runs-git.ts": `import "../git/fetch.ts";`,
    "packages/server/src/cli/runs-git.ts": `import "../git/fetch.ts";`,
  },
  "doors-are-strangers": {
    "packages/server/src/cli/calls-http.ts": `import "../http/server.ts";`,
    "packages/server/src/jobs/runs-a-command.ts": `import "../cli/serve.ts";`,
  },
  "exec-for-git-and-database": {
    "packages/server/src/remotes/runs-a-command.ts": `import "../exec/run.ts";`,
    "packages/server/src/db/runs-a-command.ts": `import "../exec/run.ts";`,
  },
  "exec-starts-processes": {
    "packages/server/src/git/spawns.ts": `import { spawn } from "node:child_process";\nexport const s = spawn;`,
    "packages/server/src/http/spawns-without-the-prefix.ts": `import { spawn } from "child_process";\nexport const s = spawn;`,
    "packages/server/src/jobs/spawns-later.ts": `export const s = import("node:child_process");`,
  },
  "exec-knows-domain-only": {
    "packages/server/src/exec/knows-settings.ts": `import type { Settings } from "../config/settings.ts";\nexport type S = Settings;`,
  },
  "config-reads-only": {
    "packages/server/src/config/connects.ts": `import "../db/pool.ts";`,
  },
  "config-is-handed-over": {
    "packages/server/src/git/reads-settings.ts": `import { read } from "../config/settings.ts";\nexport const r = read;`,
  },
  "nobody-imports-an-entry": {
    "packages/server/src/http/starts-the-server.ts": `import "../compose/start-server.ts";`,
  },
  "contract-stands-alone": {
    "packages/contract/src/uses-node.ts": `import "node:crypto";`,
    "packages/contract/src/knows-the-server.ts": `import "../../server/src/domain/mirror.ts";`,
  },
  "web-sees-the-contract-only": {
    "packages/web/src/knows-the-domain.ts": `import "../../server/src/domain/mirror.ts";`,
  },
  "web-runs-in-a-browser": {
    "packages/web/src/uses-node.ts": `import "node:path";`,
  },
  "nobody-imports-the-web": {
    "packages/server/src/http/imports-a-page.ts": `import "../../../web/src/main.ts";`,
  },
  "tests-stay-outside": {
    "packages/server/src/git/imports-test-support.ts": `import "../../../../test/support/make-repository.ts";`,
    "packages/server/src/git/imports-a-test.ts": `import "./fetch.test.ts";`,
  },
  "packages-are-declared": {
    "packages/server/src/http/uses-a-development-package.ts": `import "kysely";`,
    "packages/server/src/http/uses-a-package-of-the-workspace.ts": `import "fast-check";`,
  },
  "no-circular": {
    "packages/server/src/domain/egg.ts": `import { hen } from "./hen.ts";\nexport const egg = () => hen;`,
  },
  "not-to-unresolvable": {
    "packages/server/src/git/imports-nothing.ts": `import "./not-there.ts";`,
  },
};

/** @type {string} */
let overlay;

before(async () => {
  overlay = await mkdtemp(join(tmpdir(), "heliostat-layers-"));
  await symlink(join(root, "node_modules"), join(overlay, "node_modules"));
  await write({
    "package.json": JSON.stringify({
      name: "overlay",
      type: "module",
      devDependencies: { "fast-check": "*" },
    }),
    "packages/server/package.json": JSON.stringify({
      name: "server",
      type: "module",
      dependencies: { pg: "*", re2js: "*", undici: "*" },
      devDependencies: { kysely: "*" },
    }),
    "packages/contract/package.json": JSON.stringify({
      name: "contract",
      type: "module",
      dependencies: { zod: "*" },
    }),
    ...ALLOWED,
  });
});

after(() => rm(overlay, { recursive: true, force: true }));

test("what is allowed breaks no rule, and every deliberate violation is named", async () => {
  assert.deepEqual(await findViolations(), [], "the allowed imports");

  for (const files of Object.values(VIOLATIONS)) await write(files);
  const found = await findViolations();
  for (const [rule, files] of Object.entries(VIOLATIONS)) {
    for (const file of Object.keys(files)) {
      assert.ok(
        found.some((violation) => violation.from === file && violation.rule === rule),
        `${rule} does not catch ${file}; found: ${JSON.stringify(found.filter(({ from }) => from === file))}`,
      );
    }
  }
  const deliberate = new Set(Object.values(VIOLATIONS).flatMap((files) => Object.keys(files)));
  assert.deepEqual(
    found.filter(({ from }) => !deliberate.has(from)),
    [],
    "nothing else is named",
  );
});

test("every rule has a violation here and says what to do instead", () => {
  const rules = layers.forbidden ?? [];
  assert.deepEqual(rules.map(({ name }) => name).sort(), Object.keys(VIOLATIONS).sort());
  for (const { name, comment, severity } of rules) {
    assert.equal(severity, "error", `${name} is an error`);
    assert.match(comment ?? "", /\w \w.*[.?]$/, `${name} says what to do`);
  }
});

/** @param {Record<string, string>} files */
async function write(files) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(overlay, path)), { recursive: true });
    await writeFile(join(overlay, path), `${text}\n`);
  }
}

/** @returns {Promise<{ rule: string, from: string }[]>} */
async function findViolations() {
  const program = join(root, "node_modules", ".bin", "depcruise");
  const config = join(root, ".dependency-cruiser.mjs");
  const args = [program, "--config", config, "--output-type", "json", "packages", "test"];
  const output = await new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd: overlay, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        // The exit code is the number of violations; without JSON something else is wrong.
        if (stdout.startsWith("{")) resolve(stdout);
        else reject(error ?? new Error(stderr));
      },
    );
  });
  /** @type {{ summary: { violations: { from: string, rule: { name: string } }[] } }} */
  const { summary } = JSON.parse(String(output));
  return summary.violations.map(({ from, rule }) => ({ rule: rule.name, from }));
}
