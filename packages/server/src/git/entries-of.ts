import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";

/** What is in the directory; nothing where there is none, or none that can be read. */
export async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  return await readdir(directory, { withFileTypes: true }).catch(() => []);
}
