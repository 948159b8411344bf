import type { Readable } from "node:stream";
import type { Oid } from "../../domain/oid.ts";
import type { RefName } from "../../domain/ref-name.ts";

/** Who made a commit or tag, and when. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  /** Seconds since 1970. */
  readonly seconds: number;
  /** Minutes east of Greenwich, as they were noted. */
  readonly zoneMinutes: number;
}

export interface Commit {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: Signature;
  readonly committer: Signature;
  /** All of it, as text, whatever its encoding was; of a very long one the beginning. */
  readonly message: string;
  /** The kind of signature that it bears, which nobody has verified; null: none. */
  readonly signature: SignatureKind | null;
}

export type SignatureKind = "PGP" | "SSH" | "X509";

/** An annotated tag. */
export interface TagObject {
  readonly oid: Oid;
  readonly message: string;
  readonly tagger: Signature | null;
  readonly signature: SignatureKind | null;
}

/** A tag with what it leads to. */
export interface BrowsedTag {
  readonly ref: RefName;
  /** What the ref points at: a tag object where it is annotated. */
  readonly target: Oid;
  readonly annotation: TagObject | null;
  /** Null where it leads to a tree or a blob, or to what is missing. */
  readonly commit: Commit | null;
}

export interface TreeEntry {
  readonly oid: Oid;
  /** Its own name: the last part of `path`. Bytes that are not UTF-8 read as U+FFFD. */
  readonly name: string;
  readonly path: string;
  readonly type: "tree" | "blob" | "commit";
  /** Six octal digits. */
  readonly mode: string;
}

/** What a path leads to. */
export interface FoundEntry {
  readonly entry: TreeEntry;
  readonly size: number;
}

export interface Blob {
  readonly oid: Oid;
  readonly size: number;
}

/** Which of the refs, in the order of their names. */
export interface RefList {
  readonly refs: ReadonlyMap<RefName, Oid>;
  /** The branch that HEAD names, born or not. */
  readonly head: RefName | null;
}

export interface HistoryQuery {
  /** Commits that the history is read from. */
  readonly tips: readonly Oid[];
  /** What these have too is left out. */
  readonly without: readonly Oid[];
  /** Only what changed this file or directory; empty: all. */
  readonly path: string;
  readonly since?: Date;
  readonly until?: Date;
  /** A part of an author's name or address. */
  readonly author?: string;
  readonly firstParent: boolean;
  readonly order: "default" | "topo";
}

export interface HistoryPart {
  readonly oids: readonly Oid[];
  readonly hasMore: boolean;
}

export interface FileDiff {
  readonly oldPath: string;
  readonly newPath: string;
  readonly oldMode: string;
  readonly newMode: string;
  readonly kind: "new" | "deleted" | "renamed" | "modified";
  /** From the first `@@` on; empty where it is too large. */
  readonly text: string;
  /** It alone is more than a page should show. */
  readonly isTooLarge: boolean;
  /** It was left out because of all that came before it. */
  readonly isCollapsed: boolean;
}

export interface DiffStats {
  readonly additions: number;
  readonly deletions: number;
}

export type ArchiveFormat = "tar.gz" | "tar" | "zip";

/** Where two branches went apart. */
export interface Distance {
  readonly ahead: number;
  readonly behind: number;
}

/** Whoever waits for an answer. For one that has left nothing is done any more, and the answer is `cancelled`. */
export interface Asker {
  /** Who shares turns with nobody else: a user, a key or an address. */
  readonly client: string;
  readonly signal: AbortSignal;
}

/**
 * Resolves, when it is this client's turn, with what gives the place back. Rejects with `server-busy` when too many wait
 * or it takes too long, and with the signal's reason when that fires first.
 */
export type TakePlace = (client: string, signal: AbortSignal) => Promise<() => void>;

/**
 * Reads what is in a hosted repository, by processes that are kept and memories that forget. `path` is that of the
 * repository; one that is not there reads as an empty one. No name, path or revision that comes in ever reaches git
 * as something that it would interpret.
 */
export interface Browsing {
  /** `kind`: below `refs/heads/` or `refs/tags/`. */
  listRefs(path: string, kind: "branches" | "tags"): Promise<RefList>;
  /** The value of one full ref name; null: there is none. */
  readRef(path: string, ref: RefName): Promise<Oid | null>;
  /** The branch that HEAD names, born or not; null while it is detached. */
  readHead(path: string): Promise<RefName | null>;
  /**
   * The commit that people call so: a full oid, `HEAD`, a tag, a branch, either with its full name, or the first seven or
   * more digits of an oid. Null: there is none. Git's further ways to name commits are not understood.
   */
  resolveCommit(path: string, name: string): Promise<Oid | null>;
  /** Those that are commits; in the order asked for. */
  readCommits(path: string, oids: readonly Oid[]): Promise<ReadonlyMap<Oid, Commit>>;
  readTags(path: string, tags: ReadonlyMap<RefName, Oid>): Promise<readonly BrowsedTag[]>;
  /** The names of the refs, sorted by the time of their commits (tags: of the tag), the oldest first. */
  sortByTime(path: string, refs: ReadonlyMap<RefName, Oid>, asker: Asker): Promise<readonly RefName[]>;
  listHistory(
    path: string,
    query: HistoryQuery,
    part: { readonly skip: number; readonly count: number },
    asker: Asker,
  ): Promise<HistoryPart>;
  /** The newest commit of this history that changed what is at the path. */
  findLastChange(path: string, commit: Oid, file: string, asker: Asker): Promise<Oid>;
  /** Those of the commits that are `of` or among its ancestors. */
  findMerged(path: string, commits: readonly Oid[], of: Oid, asker: Asker): Promise<ReadonlySet<Oid>>;
  measureDistance(path: string, from: Oid, to: Oid, asker: Asker): Promise<Distance | null>;
  mergeBase(path: string, commits: readonly Oid[], asker: Asker): Promise<Oid | null>;
  /** What is at a path of a commit; null: nothing. The empty path is the root. */
  findEntry(path: string, commit: Oid, file: string): Promise<FoundEntry | null>;
  /** The entries of a directory, in git's order; null: it is none. */
  listTree(path: string, commit: Oid, directory: string): Promise<readonly TreeEntry[] | null>;
  /** All below a directory, one after the other; from behind `after` on, where that is given. */
  walkTree(path: string, commit: Oid, directory: string, after: string | null): AsyncIterable<TreeEntry>;
  /** Paths of files that have the text somewhere in them, whatever the case. */
  searchPaths(
    path: string,
    commit: Oid,
    text: string,
    limit: number,
    asker: Asker,
  ): Promise<readonly string[]>;
  /** By full or abbreviated oid; null: there is no such blob. */
  findBlob(path: string, name: string): Promise<Blob | null>;
  /** The whole blob, which the caller has found to be small. */
  readBlob(path: string, oid: Oid): Promise<Buffer>;
  /** Any blob, at the pace of the reader; destroying it ends the process. A reader that takes nothing is cut off. */
  streamBlob(path: string, blob: Blob, signal: AbortSignal): Readable;
  /** From one commit to another; `from` null: from nothing. */
  diff(path: string, from: Oid | null, to: Oid, asker: Asker): Promise<readonly FileDiff[]>;
  /** What each commit changed against its first parent. */
  countChanges(path: string, commits: readonly Oid[], asker: Asker): Promise<ReadonlyMap<Oid, DiffStats>>;
  /** `prefix`: the directory that all files are put in. Destroying it ends the process. */
  archive(
    path: string,
    what: {
      readonly commit: Oid;
      readonly format: ArchiveFormat;
      readonly prefix: string;
      readonly file: string;
    },
    signal: AbortSignal,
  ): Promise<Readable>;
  /** Full names of the branches, or tags, whose history has the commit. */
  listContaining(
    path: string,
    commit: Oid,
    kind: "branches" | "tags",
    asker: Asker,
  ): Promise<readonly RefName[]>;
  /** Ends the processes. */
  close(): Promise<void>;
}
