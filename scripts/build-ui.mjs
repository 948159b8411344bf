import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LaunchFailure } from "./launch-failure.mjs";
import { runQuietly } from "./run-quietly.mjs";

/** What the UI is made of: its own files and those of the one package that it may import. */
const SOURCES = ["packages/web", "packages/contract", "package-lock.json"];
const NOT_SOURCES = new Set(["dist", "node_modules"]);

/**
 * Whether the built UI is what the sources say.
 *
 * @param {string} root the workspace
 */
export function isUiFresh(root) {
  if (!existsSync(join(root, "packages", "web", "dist", "index.html"))) return false;
  try {
    return readFileSync(stampPath(root), "utf8") === stampOf(root);
  } catch {
    return false;
  }
}

/**
 * Builds the UI beside the old one and then puts it in its place, so that a running server hardly ever misses it.
 *
 * @param {string} root the workspace @param {string} runtime the Node to build with
 */
export async function buildUi(root, runtime) {
  const stamp = stampOf(root);
  const web = join(root, "packages", "web");
  const built = join(root, ".launch", "ui");
  rmSync(stampPath(root), { force: true });
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const args = [vite, "build", "--logLevel", "warn", "--emptyOutDir", "--outDir", built];
  const { code, output } = await runQuietly(runtime, args, { cwd: web, env: process.env });
  if (code !== 0) throw new LaunchFailure(`the web UI does not build:\n${output.trimEnd()}`);
  rmSync(join(web, "dist"), { recursive: true, force: true });
  renameSync(built, join(web, "dist"));
  mkdirSync(join(root, ".launch"), { recursive: true });
  writeFileSync(stampPath(root), stamp);
}

/** @param {string} root */
function stampPath(root) {
  return join(root, ".launch", "ui-built");
}

/** @param {string} root */
function stampOf(root) {
  const hash = createHash("sha256");
  for (const path of SOURCES.flatMap((source) => listFiles(root, source))) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update("\0");
  }
  return `${hash.digest("hex")}\n`;
}

/** @param {string} root @param {string} path @returns {string[]} */
function listFiles(root, path) {
  const entries = readdirOrNull(join(root, path));
  if (entries === null) return [path];
  return entries
    .filter((name) => !NOT_SOURCES.has(name))
    .sort()
    .flatMap((name) => listFiles(root, `${path}/${name}`));
}

/** @param {string} path @returns {string[] | null} null for a file */
function readdirOrNull(path) {
  try {
    return readdirSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return null;
    throw error;
  }
}
