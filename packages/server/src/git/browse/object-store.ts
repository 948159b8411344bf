import type { Commit, TagObject, TreeEntry } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { type Oid, objectFormatOf } from "../../domain/oid.ts";
import type { Git } from "../run-git.ts";
import { createLru } from "./lru.ts";
import type { ObjectContent, ObjectInfo, ObjectReader } from "./object-reader.ts";
import { parseCommit, parseTag, parseTree, type RawTreeEntry } from "./parse-objects.ts";
import type { ReaderPool } from "./reader-pool.ts";

/**
 * The objects of repositories as values. They never change, so that what was read once is remembered, by repository:
 * nobody learns from a memory what is in a repository that they may not see.
 */
export interface ObjectStore {
  info(path: string, name: string): Promise<ObjectInfo | null>;
  commits(path: string, oids: readonly Oid[]): Promise<ReadonlyMap<Oid, Commit>>;
  commit(path: string, oid: Oid): Promise<Commit | null>;
  tag(path: string, oid: Oid): Promise<(TagObject & { readonly object: Oid }) | null>;
  /** Follows tags of tags to what is none. */
  peel(path: string, oid: Oid): Promise<ObjectInfo | null>;
  tree(path: string, oid: Oid): Promise<readonly RawTreeEntry[] | null>;
  /** The entry at a path below a tree. */
  entryAt(path: string, tree: Oid, file: string): Promise<TreeEntry | null>;
  content(path: string, oid: Oid): Promise<Buffer | null>;
}

const COMMITS_BYTES = 48 * 1024 * 1024;
const TREES_BYTES = 64 * 1024 * 1024;
const INFOS_BYTES = 8 * 1024 * 1024;
/** Of a commit or a tag: a message of more is cut off. */
const MESSAGE_BYTES = 1024 * 1024;
/** A directory of a million files. */
const TREE_BYTES = 48 * 1024 * 1024;
const MAX_TAGS_DEEP = 10;
const CUT_TIMEOUT_MS = 30_000;

/**
 * Reads with the pool's readers; one that dies is asked once more by another. Null for what is not in the repository,
 * or not of that kind.
 */
export function createObjectStore(git: Git, pool: ReaderPool): ObjectStore {
  const commitsOf = createLru<Commit>(COMMITS_BYTES);
  const treesOf = createLru<readonly RawTreeEntry[]>(TREES_BYTES);
  const infosOf = createLru<ObjectInfo>(INFOS_BYTES);

  const use = <T>(path: string, work: (reader: ObjectReader) => Promise<T>): Promise<T | null> =>
    pool.use(path, work).catch((error: unknown) => {
      // The process was killed, or ended between two questions: the next one begins anew.
      if (error instanceof HeliostatError && (error.code === "timed-out" || error.code === "bug")) {
        return pool.use(path, work);
      }
      throw error;
    });

  /** The object, if it is no longer than that; what is longer does not hold up all others who ask. */
  async function read(
    path: string,
    oid: Oid,
    type: ObjectInfo["type"],
    maxBytes: number,
  ): Promise<ObjectContent | null> {
    return await use(path, async (reader) => {
      const found = await reader.contentUpTo(oid, maxBytes);
      if (found === null || found.type !== type) return null;
      if (found.content !== null) return { ...found, content: found.content };
      if (type === "tree")
        throw new HeliostatError("repository-too-large", "This directory has too many files to be listed.");
      return { ...found, content: await readBeginning(path, oid, type, maxBytes) };
    });
  }

  async function readBeginning(path: string, oid: Oid, type: string, bytes: number): Promise<Buffer> {
    const running = git.start({
      gitDir: path,
      args: ["cat-file", type, oid],
      timeoutMs: CUT_TIMEOUT_MS,
    });
    running.stdin.end();
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of running.stdout) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= bytes) break;
    }
    running.stop("output-too-large");
    await running.exited;
    return Buffer.concat(chunks).subarray(0, bytes);
  }

  async function commit(path: string, oid: Oid): Promise<Commit | null> {
    const key = `${path} ${oid}`;
    const known = commitsOf.get(key);
    if (known !== undefined) return known;
    const object = await read(path, oid, "commit", MESSAGE_BYTES);
    const parsed = object === null ? null : parseCommit(oid, object.content);
    if (object !== null && parsed !== null) remember(path, parsed, object.content);
    return parsed;
  }

  function remember(path: string, parsed: Commit, { length }: Buffer): void {
    commitsOf.set(`${path} ${parsed.oid}`, parsed, length * 2 + 600);
  }

  async function tag(path: string, oid: Oid): Promise<(TagObject & { readonly object: Oid }) | null> {
    const object = await read(path, oid, "tag", MESSAGE_BYTES);
    return object === null ? null : parseTag(oid, object.content);
  }

  async function info(path: string, name: string): Promise<ObjectInfo | null> {
    const key = `${path} ${name}`;
    const known = infosOf.get(key);
    if (known !== undefined) return known;
    const found = await use(path, (reader) => reader.info(name));
    // Of an abbreviated one there may be two tomorrow.
    if (found !== null && found.oid === name) infosOf.set(key, found, 150);
    return found;
  }

  async function tree(path: string, oid: Oid): Promise<readonly RawTreeEntry[] | null> {
    const key = `${path} ${oid}`;
    const known = treesOf.get(key);
    if (known !== undefined) return known;
    const object = await read(path, oid, "tree", TREE_BYTES);
    if (object === null) return null;
    const entries = parseTree(object.content, objectFormatOf(oid) === "sha1" ? 20 : 32);
    treesOf.set(key, entries, entries.length * 350);
    return entries;
  }

  return {
    info,
    commit,
    tag,
    tree,
    async commits(path, oids) {
      const found = new Map<Oid, Commit>();
      const unknown: Oid[] = [];
      for (const oid of oids) {
        const known = commitsOf.get(`${path} ${oid}`);
        if (known === undefined) unknown.push(oid);
        else found.set(oid, known);
      }
      if (unknown.length === 0) return found;
      // All questions at once: one by one they would cost a page of commits most of its time.
      const read = await use(path, async (reader) => {
        return await Promise.all(unknown.map((oid) => reader.contentUpTo(oid, MESSAGE_BYTES)));
      });
      for (const object of read ?? []) {
        if (object?.type !== "commit" || object.content === null) continue;
        const parsed = parseCommit(object.oid, object.content);
        if (parsed !== null) remember(path, parsed, object.content);
      }
      for (const oid of unknown) {
        const known = commitsOf.get(`${path} ${oid}`) ?? (await commit(path, oid));
        if (known !== null) found.set(oid, known);
      }
      return found;
    },
    async peel(path, oid) {
      let at: Oid = oid;
      for (let hops = 0; hops < MAX_TAGS_DEEP; hops += 1) {
        const found = await info(path, at);
        if (found === null || found.type !== "tag") return found;
        const next = await tag(path, at);
        if (next === null) return null;
        at = next.object;
      }
      return null;
    },
    async entryAt(path, root, file) {
      const parts = file.split("/");
      let at: RawTreeEntry | undefined;
      let oid = root;
      for (const [index, part] of parts.entries()) {
        if (index > 0 && at?.type !== "tree") return null;
        const entries = await tree(path, oid);
        at = entries?.find(({ name }) => name === part);
        if (at === undefined) return null;
        oid = at.oid;
      }
      return at === undefined ? null : entryOf(at, file);
    },
    async content(path, oid) {
      const found = await use(path, (reader) => reader.content(oid));
      return found === null ? null : found.content;
    },
  };
}

/** An entry of a tree as others see it. */
export function entryOf({ oid, name, type, mode }: RawTreeEntry, path: string): TreeEntry {
  return { oid, name, path, type, mode };
}
