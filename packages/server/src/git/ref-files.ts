import { access, readdir, readFile } from "node:fs/promises";
import type { ObjectFormat } from "../domain/oid.ts";

/**
 * Whether a repository has no refs at all, packed or loose; starts no process. A lock, too, counts as a ref that
 * somebody is about to make. False for a repository that keeps its refs in another format.
 */
export async function hasNoRefs(path: string): Promise<boolean> {
  const hasReftable = await access(`${path}/reftable`).then(
    () => true,
    () => false,
  );
  if (hasReftable) return false;
  const packed = await readIfThere(`${path}/packed-refs`);
  if (/^[^#\n]/m.test(packed)) return false;
  return await hasNoLooseRefs(path);
}

/** The text of a file; nothing when there is no such file. Any other failure is one: no ref is gone because of it. */
export async function readIfThere(path: string): Promise<string> {
  return (await readFile(path, "utf8").catch(absent)) ?? "";
}

/** For `catch`: null when there is nothing of the name, or something of another kind; throws all else. */
export function absent(error: unknown): null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  // A name that is too long for a file is one that no ref has.
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR" || code === "ENAMETOOLONG") return null;
  throw error;
}

/** The object format that a repository's own configuration names; starts no process. */
export async function readObjectFormatFile(path: string): Promise<ObjectFormat> {
  const config = await readFile(`${path}/config`, "utf8");
  return /^\s*objectformat\s*=\s*sha256\s*$/im.test(config) ? "sha256" : "sha1";
}

/** Whether no ref stands in a file of its own, above the packed ones. */
export async function hasNoLooseRefs(path: string): Promise<boolean> {
  const entries = await readdir(`${path}/refs`, { recursive: true, withFileTypes: true });
  return entries.every((entry) => entry.isDirectory());
}
