import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  appendFile,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

// The real launcher and the real npm, on a workspace that needs no registry: its "pinned Node" and its "vite" are
// packages of the workspace itself.

const SCRIPTS = import.meta.dirname;
const WORKSPACE = { name: "fixture", private: true, workspaces: ["packages/*"] };
const RUNTIME = `node-${process.platform}-${process.arch}`;
const FILES = {
  "package.json": JSON.stringify(WORKSPACE),
  ".npmrc": "ignore-scripts=true\nfund=false\naudit=false\nupdate-notifier=false\n",
  "package-lock.json": lockFile(),
  // Without `bin`: as npm 10 leaves it, so that the launcher has to make the link.
  "packages/runtime/package.json": JSON.stringify({ name: RUNTIME, version: "1.0.0" }),
  "packages/runtime/bin/node": `#!/bin/sh\nPINNED=yes exec "${process.execPath}" "$@"\n`,
  "packages/vite/package.json": JSON.stringify({ name: "vite", version: "1.0.0" }),
  "packages/vite/bin/vite.js": `
    const fs = require("node:fs");
    const out = process.argv[process.argv.indexOf("--outDir") + 1];
    if (fs.readFileSync("index.html", "utf8").includes("broken")) { console.error("cannot parse"); process.exit(1); }
    fs.mkdirSync(out, { recursive: true });
    fs.copyFileSync("index.html", out + "/index.html");`,
  "packages/web/index.html": "first",
  "packages/contract/index.ts": "",
  "bench/main.ts": `
    console.log(JSON.stringify({ pinned: process.env["PINNED"], args: process.argv.slice(2), path: process.env["PATH"], cwd: process.cwd() }));
    process.exitCode = Number(process.env["EXIT"] ?? 0);`,
  "packages/server/src/cli/main.ts": `
    process.on("SIGTERM", () => { console.log("told to stop"); process.exit(process.env["EXIT"]); });
    if (process.env["DIE"]) process.kill(process.pid, process.env["DIE"]);
    console.log("serving " + process.argv.slice(2).join(" "));
    if (process.env["STAY"]) setInterval(() => {}, 1000);`,
};

/** @param {Record<string, unknown>} [rootFields] @param {Record<string, unknown>} [packages] */
function lockFile(rootFields = {}, packages = {}) {
  return JSON.stringify({
    name: "fixture",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { name: "fixture", workspaces: ["packages/*"], ...rootFields },
      [`node_modules/${RUNTIME}`]: { resolved: "packages/runtime", link: true },
      "packages/runtime": { name: RUNTIME, version: "1.0.0" },
      "node_modules/vite": { resolved: "packages/vite", link: true },
      "packages/vite": { version: "1.0.0" },
      ...packages,
    },
  });
}

/** @type {string} */
let home;
/** @type {string} */
let root;

before(async () => {
  // Others may not look in (mode 0700), and there is a blank in the path.
  home = await mkdtemp(join(tmpdir(), "heliostat-launch-"));
  root = join(home, "a checkout");
  await Promise.all([
    cp(SCRIPTS, join(root, "scripts"), { recursive: true }),
    cp(join(SCRIPTS, "../packages/server/bin"), join(root, "packages/server/bin"), { recursive: true }),
  ]);
});

beforeEach(async () => {
  await Promise.all(
    ["node_modules", ".launch", "packages/web/dist"].map((path) =>
      rm(join(root, path), { recursive: true, force: true }),
    ),
  );
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { mode: path.endsWith("/bin/node") ? 0o755 : 0o644 });
  }
});

after(() => rm(home, { recursive: true, force: true }));

/** @param {readonly string[]} args @param {Record<string, string | undefined>} [env] */
function start(args, env = {}) {
  const child = spawn(process.execPath, [join(root, "scripts", "launch.mjs"), ...args], {
    // npm's own variables of this test run would lead npm to the wrong workspace.
    env: {
      HOME: home,
      PATH: process.env["PATH"],
      npm_config_cache: join(home, "npm-cache"),
      npm_config_userconfig: join(home, "npmrc"),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stdout, stderr }));
  /** @param {(seen: { stdout: string, stderr: string }) => boolean} isSeen */
  const until = async (isSeen) => {
    while (!isSeen({ stdout, stderr })) {
      assert.equal(child.exitCode, null, `ended before: ${stdout}${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { child, ended, until };
}

/** @param {readonly string[]} args @param {Record<string, string | undefined>} [env] */
function launch(args, env) {
  return start(args, env).ended;
}

test("the first launch installs and hands over to the pinned Node; the second only hands over", async () => {
  const first = await launch(["bench", "--rounds", "two words"]);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /^Heliostat: installing packages .* done in \d+ s\n$/);
  const { pinned, args, path, cwd } = JSON.parse(first.stdout);
  assert.equal(pinned, "yes");
  assert.deepEqual(args, ["--rounds", "two words"]);
  assert.ok(path.startsWith(`${join(root, "node_modules", ".bin")}:`));
  assert.equal(cwd, root);

  const second = await launch(["bench"]);
  assert.equal(second.stderr, "");
  assert.equal(second.code, 0);
});

test("a changed lock file installs again", async () => {
  await launch(["install"]);
  await appendFile(join(root, "package-lock.json"), "\n");
  assert.match((await launch(["install"])).stderr, /installing packages/);
  assert.equal((await launch(["install"])).stderr, "");
});

test("an install that was stopped is done again", async () => {
  const logs = join(home, "npm-cache", "_logs");
  await rm(logs, { recursive: true, force: true });
  const stopped = start(["install"]);
  // npm's log is there as soon as npm runs.
  await stopped.until(() => existsSync(logs));
  stopped.child.kill("SIGTERM");
  assert.equal((await stopped.ended).code, 143);
  assert.ok(!existsSync(join(root, ".launch", "lock")));

  const again = await launch(["bench"]);
  assert.match(again.stderr, /installing packages/);
  assert.equal(again.code, 0, again.stderr);
});

test("of two launches at once one installs and the other waits for it", async () => {
  const both = await Promise.all([launch(["bench"]), launch(["bench"])]);
  for (const { code, stderr } of both) assert.equal(code, 0, stderr);
  assert.equal(both.filter(({ stderr }) => stderr.includes("installing packages")).length, 1);
});

test("a linked node_modules belongs to another checkout and is left alone", async () => {
  await launch(["install"]);
  await rename(join(root, "node_modules"), join(home, "elsewhere"));
  await symlink(join(home, "elsewhere"), join(root, "node_modules"));
  await appendFile(join(root, "package-lock.json"), "\n");
  const { code, stderr } = await launch(["install"]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.ok((await lstat(join(root, "node_modules"))).isSymbolicLink());
  await rm(join(home, "elsewhere"), { recursive: true });
});

test("the UI is built when it is missing or its sources changed, and only then", async () => {
  const built = /building the web UI/;
  const page = () => readFile(join(root, "packages/web/dist/index.html"), "utf8");
  assert.match((await launch(["start"])).stderr, built);
  assert.equal(await page(), "first");
  assert.equal((await launch(["start"])).stderr, "");

  await writeFile(join(root, "packages/web/index.html"), "second");
  assert.match((await launch(["start"])).stderr, built);
  assert.equal(await page(), "second");

  await rm(join(root, "packages/web/dist"), { recursive: true });
  assert.match((await launch(["start"])).stderr, built);

  await writeFile(join(root, "packages/web/index.html"), "broken");
  const broken = await launch(["start"]);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /the web UI does not build:\ncannot parse/);
  assert.equal(broken.stdout, "");
  assert.equal(await page(), "second", "the old UI is still there");
});

test("arguments, exit code and signals pass through", async () => {
  assert.equal((await launch(["start", "--help"])).stdout, "serving serve --help\n");
  assert.equal((await launch(["bench"], { EXIT: "7" })).code, 7);
  assert.equal((await launch(["start"], { DIE: "SIGKILL" })).signal, "SIGKILL");

  const server = start(["start"], { STAY: "yes", EXIT: "5" });
  await server.until(({ stdout }) => stdout.includes("serving"));
  server.child.kill("SIGTERM");
  const { code, stdout } = await server.ended;
  assert.equal(code, 5);
  assert.equal(stdout, "serving serve\ntold to stop\n");
});

test("what is missing is named", async () => {
  const nothing = join(home, "nothing");
  await mkdir(nothing, { recursive: true });
  const withoutGit = await launch(["start"], { PATH: nothing });
  assert.equal(withoutGit.code, 1);
  assert.match(withoutGit.stderr, /^Heliostat: git is needed and is not on PATH/);

  await writeFile(join(nothing, "git"), "#!/bin/sh\n", { mode: 0o755 });
  const withoutNpm = await launch(["start"], { PATH: nothing });
  assert.equal(withoutNpm.code, 1);
  assert.match(withoutNpm.stderr, /Heliostat: npm is needed to install the packages and is not on PATH/);
});

test("without a network it says so, and does not pretend to be installed", async () => {
  const dependencies = { pg: "8.23.1" };
  const integrity = `sha512-${"A".repeat(86)}==`;
  await writeFile(join(root, "package.json"), JSON.stringify({ ...WORKSPACE, dependencies }));
  await writeFile(
    join(root, "package-lock.json"),
    lockFile({ dependencies }, { "node_modules/pg": { version: dependencies.pg, integrity } }),
  );
  // Nobody listens on port 1: the answer is the one that a machine without a network gets, only sooner.
  const offline = { npm_config_registry: "http://127.0.0.1:1/", npm_config_fetch_retries: "0" };
  for (let attempt = 0; attempt < 2; attempt++) {
    const { code, stderr } = await launch(["install"], offline);
    assert.equal(code, 1);
    assert.match(stderr, /Heliostat: the npm registry does not answer/);
  }
});

test("an unknown command shows the usage", async () => {
  const { code, stderr } = await launch(["fly"]);
  assert.equal(code, 2);
  assert.match(stderr, /usage: launch\.mjs start\|dev\|test\|bench\|fuzz\|install/);
});
