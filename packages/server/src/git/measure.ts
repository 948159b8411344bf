import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Files that are looked at together: the system's threads for it are few, and a promise for each file costs memory. */
const AT_ONCE = 256;

/** Bytes of all files below the directory; what goes away meanwhile, or is not there, counts nothing. */
export async function measureFiles(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  let bytes = 0;
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const sizes = files.slice(at, at + AT_ONCE).map(async ({ parentPath, name }) => {
      const found = await stat(join(parentPath, name)).catch(() => null);
      return found?.size ?? 0;
    });
    for (const size of await Promise.all(sizes)) bytes += size;
  }
  return bytes;
}
