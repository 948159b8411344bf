import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, sep } from "node:path";
import { findCommand } from "./find-command.mjs";
import { LaunchFailure } from "./launch-failure.mjs";
import { runQuietly } from "./run-quietly.mjs";

const OUTPUT_LINES_SHOWN = 25;
/** npm's words for "the registry did not answer". */
const OFFLINE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|EIDLETIMEOUT|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/;

/**
 * Whether `node_modules` is what the lock file asks for on this platform. A `node_modules` that is a link belongs to
 * another checkout: it is taken as it is, since installing would empty that checkout's.
 *
 * @param {string} root the workspace
 */
export function arePackagesFresh(root) {
  if (isLink(join(root, "node_modules"))) return true;
  try {
    return readFileSync(stampPath(root), "utf8") === stampOf(root);
  } catch {
    return false;
  }
}

/**
 * Installs exactly what the lock file says. The stamp goes first and comes back last, so an install that was killed
 * at any moment is done again.
 *
 * @param {string} root the workspace
 */
export async function installPackages(root) {
  const stamp = stampOf(root);
  rmSync(stampPath(root), { force: true });
  const { command, args, env } = npm(root);
  const options = [
    "ci",
    // Whatever the user's own settings leave out: the UI is built and the tests are run with these.
    "--include=dev",
    "--include=optional",
    // Silences EBADENGINE: packages for the pinned Node complain about the machine's older one.
    "--loglevel=error",
    "--no-progress",
    "--prefer-offline",
    // npm waits 10 s and then a minute before it tries again; a person sits and waits here.
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
  ];
  const { code, output } = await runQuietly(command, [...args, ...options], { cwd: root, env });
  if (code !== 0) throw new LaunchFailure(explain(code, output));
  linkRuntime(root);
  writeFileSync(stampPath(root), stamp);
}

/**
 * Puts the pinned Node where PATH finds it, if npm has not. The packages for all platforms have a program `node`, and
 * npm 10 and older let one for another platform, which is not installed, take the name (seen with 9.2 and 10.9).
 *
 * @param {string} root
 */
function linkRuntime(root) {
  const link = join(root, "node_modules", ".bin", "node");
  if (existsSync(link)) return;
  for (const name of [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ]) {
    if (!existsSync(join(root, "node_modules", name, "bin", "node"))) continue;
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(join("..", name, "bin", "node"), link);
  }
}

/** @param {string} root */
function stampPath(root) {
  return join(root, "node_modules", ".heliostat-installed");
}

/** @param {string} root */
function stampOf(root) {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  return `${lock} ${process.platform}-${process.arch}\n`;
}

/** @param {string} path */
function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/**
 * The npm that started us, else the one on PATH; with a PATH that does not lead into `node_modules`, where npm has
 * put it first: the install takes away the `node` in there, under which npm would then be running.
 *
 * @param {string} root
 */
function npm(root) {
  const outside = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => !`${directory}${sep}`.startsWith(join(root, "node_modules") + sep))
    .join(delimiter);
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${outside}` };
  const started = process.env["npm_execpath"];
  if (started?.endsWith("npm-cli.js") && existsSync(started)) {
    return { command: process.execPath, args: [started], env };
  }
  const found = findCommand("npm", outside);
  if (found === null) {
    throw new LaunchFailure(
      "npm is needed to install the packages and is not on PATH. It comes with Node.js; on Debian: apt-get install npm",
    );
  }
  return { command: found, args: [], env };
}

/** @param {number | null} code @param {string} output */
function explain(code, output) {
  // With some errors npm prints all of its options after what matters.
  const [said = ""] = output.split(/^npm \S+ Clean install a project$/m);
  const lines = said.trimEnd().split("\n").slice(-OUTPUT_LINES_SHOWN).join("\n");
  if (OFFLINE.test(output)) {
    return `the npm registry does not answer, and not every package is in npm's cache.
Check the network (or npm's proxy and registry settings: npm config ls) and start again. npm said:
${lines}`;
  }
  if (/\bENOSPC\b/.test(output)) return `the disk is full: about 500 MB are needed here. npm said:\n${lines}`;
  return `npm ci failed (${code === null ? "killed" : `exit code ${code}`}):\n${lines}`;
}
