import { opendirSync, readFileSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { RefList } from "../../app/ports.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";
import { isRefName, type RefName } from "../../domain/ref-name.ts";
import { isGone } from "../again-if-gone.ts";
import { parseHead, readBranchesAndTags } from "../read-refs.ts";
import { absent } from "../ref-files.ts";
import type { Git } from "../run-git.ts";
import { createLru } from "./lru.ts";

/** Reads single refs and lists of them without a process, and the file of all packed refs once for each of its states. */
export interface RefReader {
  list(path: string, root: RefRoot): Promise<RefList>;
  read(path: string, ref: RefName): Promise<Oid | null>;
  /** The branch that HEAD points at, born or not. */
  readHead(path: string): RefName | null;
  /** What HEAD stands for; null: an unborn branch, or nothing. */
  readHeadOid(path: string): Promise<Oid | null>;
}

export type RefRoot = "refs/heads/" | "refs/tags/";

interface PackedRefs {
  readonly refs: ReadonlyMap<string, Oid>;
  /** Of each root the newest list with the loose refs in it, for those who turn its pages. */
  readonly lists: Map<RefRoot, { readonly loose: string; readonly refs: ReadonlyMap<RefName, Oid> }>;
}

/** Of the parsed files; the largest of them may have some hundred thousand refs. */
const MEMORY_BYTES = 128 * 1024 * 1024;
/** In the file, and once more in a list. */
const BYTES_PER_REF = 350;
/** Above, git is asked: it is quicker than a file after the other. Housekeeping packs refs long before. */
const MANY_LOOSE = 1_000;
/** Deeper than anybody nests them; a circle of symbolic refs ends here. */
const MAX_HOPS = 5;
const OID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const noRefs = (): PackedRefs => ({ refs: new Map(), lists: new Map() });

/** Git is asked only where there are very many loose refs; what it lists then is read in full. */
export function createRefReader(git: Git): RefReader {
  const packedOf = createLru<{ readonly state: string; readonly packed: PackedRefs }>(MEMORY_BYTES);

  /** A new state is a new file: git writes it beside the old one and renames it. */
  async function readPacked(path: string): Promise<PackedRefs> {
    const file = join(path, "packed-refs");
    // At once, as single refs are: a thread would take ten times as long for what the system has in memory.
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return noRefs();
    try {
      const state = `${found.ino} ${found.size} ${found.mtimeNs}`;
      const known = packedOf.get(path);
      if (known?.state === state) return known.packed;
      const packed = parsePacked(await readFile(file, "utf8"));
      packedOf.set(path, { state, packed }, packed.refs.size * BYTES_PER_REF);
      return packed;
    } catch (error) {
      if (isGone(error)) return noRefs();
      throw error;
    }
  }

  async function read(path: string, ref: RefName, hops = 0): Promise<Oid | null> {
    const text = readLoose(join(path, ref));
    if (text === null) return (await readPacked(path)).refs.get(ref) ?? null;
    const value = text.trimEnd();
    const [, target] = /^ref: ?(refs\/(?:heads|tags)\/.+)$/.exec(value) ?? [];
    if (target !== undefined)
      return hops < MAX_HOPS && isRefName(target) ? read(path, target, hops + 1) : null;
    return OID.test(value) ? parseOid(value) : null;
  }

  async function readHeadOid(path: string): Promise<Oid | null> {
    const branch = readHead(path);
    if (branch !== null) return await read(path, branch);
    const text = (readLoose(join(path, "HEAD")) ?? "").trimEnd();
    return OID.test(text) ? parseOid(text) : null;
  }

  async function list(path: string, root: RefRoot): Promise<RefList> {
    const head = readHead(path);
    const loose = await listLoose(path, root);
    if (loose.length > MANY_LOOSE) {
      const { refs } = await readBranchesAndTags(git, path);
      return { head, refs: sorted([...refs].filter(([name]) => name.startsWith(root))) };
    }
    // Loose ones first, as git reads them: one that is packed meanwhile is seen in one of the two places.
    const values = await Promise.all(loose.map(async (name) => [name, await read(path, name)] as const));
    const packed = await readPacked(path);
    const state = values.map(([name, oid]) => `${name} ${oid}`).join("\n");
    const known = packed.lists.get(root);
    if (known?.loose === state) return { head, refs: known.refs };
    const found: [RefName, Oid][] = [];
    const standsLoose = new Set<string>(loose);
    for (const [name, oid] of values) if (oid !== null) found.push([name, oid]);
    for (const [name, oid] of packed.refs) {
      if (name.startsWith(root) && !standsLoose.has(name) && isRefName(name)) found.push([name, oid]);
    }
    const refs = sorted(found);
    packed.lists.set(root, { loose: state, refs });
    return { head, refs };
  }

  return { list, read: (path, ref) => read(path, ref), readHead, readHeadOid };
}

function readHead(path: string): RefName | null {
  return parseHead(readLoose(join(path, "HEAD")) ?? "");
}

/** The text of a ref's file; null when it has none, or is a directory of refs. */
function readLoose(file: string): string | null {
  try {
    // Hardly any ref is loose, and a thrown error takes longer than the answer that there is no such file.
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? null : readFileSync(file, "utf8");
  } catch (error) {
    return absent(error);
  }
}

function sorted(entries: [RefName, Oid][]): ReadonlyMap<RefName, Oid> {
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parsePacked(text: string): PackedRefs {
  const refs = new Map<string, Oid>();
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline;
    const first = text[at];
    if (first !== "#" && first !== "^") {
      const space = text.indexOf(" ", at);
      const oid = text.slice(at, space);
      const name = text.slice(space + 1, end);
      const isShown = name.startsWith("refs/heads/") || name.startsWith("refs/tags/");
      if (isShown && OID.test(oid)) refs.set(name, oid as Oid);
    }
    at = end + 1;
  }
  return { refs, lists: new Map() };
}

async function listLoose(path: string, root: RefRoot): Promise<readonly RefName[]> {
  if (isEmpty(join(path, root))) return [];
  const entries = await readdir(join(path, root), { recursive: true, withFileTypes: true }).catch(absent);
  return (entries ?? []).flatMap((entry) => {
    if (entry.isDirectory()) return [];
    const name = relative(path, join(entry.parentPath, entry.name));
    return isRefName(name) ? [name] : [];
  });
}

/** In a repository that nobody has written to since housekeeping this one look, without a thread, is all. */
function isEmpty(directory: string): boolean {
  try {
    const opened = opendirSync(directory);
    try {
      return opened.readSync() === null;
    } finally {
      opened.closeSync();
    }
  } catch (error) {
    return absent(error) === null;
  }
}
