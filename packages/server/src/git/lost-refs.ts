import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Oid } from "../domain/oid.ts";
import { parseRefName, type RefName } from "../domain/ref-name.ts";
import { absent, readIfThere } from "./ref-files.ts";

/**
 * Where a repository keeps the names of refs whose content a crash took. The empty file itself cannot stay: while it is
 * there git refuses every push, fetch and repack of the repository. Without a trace of it, a mirror would take the ref
 * for deleted, and delete the last good copy; or, where an older value is packed below it, for moved back. A file each,
 * so that no two writers meet; the name is in the file, for no file system takes all names of refs as names of files.
 */
const DIRECTORY = "lost-refs";

function directoryOf(path: string): string {
  return join(path, DIRECTORY);
}

function fileOf(path: string, ref: RefName): string {
  return join(directoryOf(path), createHash("sha256").update(ref).digest("hex"));
}

/** Notes that this ref of the repository at `path` was lost; it is on the disk when this returns. */
export async function noteLostRef(path: string, ref: RefName): Promise<void> {
  await mkdir(directoryOf(path), { recursive: true });
  const file = await open(fileOf(path, ref), "w");
  try {
    await file.writeFile(`${await readPacked(path, ref)} ${ref}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The oid that packed-refs has for the ref; nothing when it has none. */
async function readPacked(path: string, ref: RefName): Promise<string> {
  const packed = await readIfThere(join(path, "packed-refs"));
  const at = packed.indexOf(` ${ref}\n`);
  return at === -1 ? "" : packed.slice(packed.lastIndexOf("\n", at) + 1, at);
}

/**
 * The refs that were lost and have no new value; the others are forgotten, so that they may be deleted later.
 * `readValue`: what is there now, null for nothing.
 */
export async function readLostRefs(
  path: string,
  readValue: (ref: RefName) => Oid | "symbolic" | null,
): Promise<readonly RefName[]> {
  const lost: RefName[] = [];
  for (const name of (await readdir(directoryOf(path)).catch(absent)) ?? []) {
    const file = join(directoryOf(path), name);
    const text = await readFile(file, "utf8").catch(absent);
    // Half written: then the ref's own file is still there.
    if (text === null || !text.endsWith("\n")) continue;
    const afterOid = text.indexOf(" ");
    const ref = parseRefName(text.slice(afterOid + 1, -1));
    if ((readValue(ref) ?? "") === text.slice(0, afterOid)) lost.push(ref);
    else await rm(file, { force: true });
  }
  return lost;
}
