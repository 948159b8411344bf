import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { againIfGone } from "./again-if-gone.ts";

/** Files of a pack in the order in which a reader may meet them: a pack exists for git once its index does. */
const PACK_ORDER = [".pack", ".rev", ".bitmap", ".mtimes", ".idx"];

/**
 * Moves objects from one store to another on the same file system, by renames. What is there already stays: a name is
 * the digest of the content.
 */
export async function moveObjects(from: string, to: string): Promise<void> {
  for (const directory of await readdir(from)) {
    const isPack = directory === "pack";
    if (!isPack && !/^[0-9a-f]{2}$/.test(directory)) continue;
    const rank = (name: string): number => PACK_ORDER.findIndex((suffix) => name.endsWith(suffix));
    const names = (await readdir(join(from, directory))).filter((name) => !isPack || rank(name) >= 0);
    if (isPack) names.sort((a, b) => rank(a) - rank(b));
    for (const name of names) {
      const target = join(to, directory, name);
      const isThere = await stat(target).then(
        () => true,
        () => false,
      );
      if (isThere) continue;
      // A git that packs loose objects takes directories away that have become empty.
      await againIfGone(async () => {
        await mkdir(join(to, directory), { recursive: true });
        await rename(join(from, directory, name), target);
      });
    }
  }
}
