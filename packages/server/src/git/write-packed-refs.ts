import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import type { Oid } from "../domain/oid.ts";
import type { RefName } from "../domain/ref-name.ts";
import { hasNoRefs } from "./ref-files.ts";

export interface PackedRef {
  readonly ref: RefName;
  readonly oid: Oid;
  /** Where an annotated tag leads; null for everything else. */
  readonly peeled: Oid | null;
}

const HEADER = "# pack-refs with: peeled fully-peeled sorted \n";

/**
 * Writes the first refs of a repository as one file, as `git clone` does: 5,000 refs take milliseconds that way and
 * 1.6 s in a transaction of loose refs. False, and nothing written, when there are refs already, another process holds
 * git's lock on that file, or the repository keeps its refs in another format.
 *
 * Git's own lock keeps others from packing refs meanwhile; it does not keep a push from creating a loose ref. Such a
 * ref stands above the packed one of its name, so that nothing is lost: the caller reads again what each ref now is.
 */
export async function writePackedRefs(path: string, refs: readonly PackedRef[]): Promise<boolean> {
  const target = `${path}/packed-refs`;
  const lock = `${target}.lock`;
  const file = await open(lock, "wx", 0o644).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return null;
    throw error;
  });
  if (file === null) return false;
  try {
    if (!(await hasNoRefs(path))) return false;
    await file.writeFile(HEADER + sortByBytes(refs).map(lineOf).join(""));
    await file.sync();
    // No process stands for this lock: after a long stall it may have been taken for a dead one's, and be git's by now.
    if (!(await isStill(lock, file))) return false;
    await rename(lock, target);
    return true;
  } finally {
    // Gone already after the rename.
    if (await isStill(lock, file)) await rm(lock, { force: true });
    await file.close();
  }
}

/** Whether the file at this path is the one that is open. */
async function isStill(path: string, file: FileHandle): Promise<boolean> {
  const [there, own] = await Promise.all([stat(path).catch(() => null), file.stat()]);
  return there !== null && there.ino === own.ino && there.dev === own.dev;
}

/** By the bytes of UTF-8, as git searches the file; JavaScript would sort by UTF-16. */
function sortByBytes(refs: readonly PackedRef[]): PackedRef[] {
  return refs
    .map((packed) => ({ packed, bytes: Buffer.from(packed.ref) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ packed }) => packed);
}

function lineOf({ ref, oid, peeled }: PackedRef): string {
  return peeled === null ? `${oid} ${ref}\n` : `${oid} ${ref}\n^${peeled}\n`;
}
