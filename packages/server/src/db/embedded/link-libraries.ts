import { lstat, mkdir, readFile, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

/**
 * Makes the links between libraries that a package of binaries needs. npm packages cannot hold links: this one lists
 * them in a file and makes them in an install script, which newer npm does not run unasked. Making a link is atomic
 * and those that exist stay, so several servers may do this at the same time. Where the package is not ours to write
 * they go to `ownLinks`; the answer is then the search path that the loader needs, else null.
 */
export async function linkLibraries(root: string, ownLinks: string): Promise<string | null> {
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
  // Through a link a library looks for others beside the link.
  return `${ownLinks}:${join(root, "native/lib")}`;
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
