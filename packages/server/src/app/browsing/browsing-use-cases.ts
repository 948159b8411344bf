import type { Readable } from "node:stream";
import type { Oid } from "../../domain/oid.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type {
  ArchiveFormat,
  Blob,
  BrowsedTag,
  Commit,
  DiffStats,
  Distance,
  FileDiff,
  Page,
  TreeEntry,
} from "../ports.ts";

/** How a branch stands to that of its name upstream, as the last update of the pull mirror saw it. */
export interface UpstreamView extends Partial<Distance> {
  /** Null: it is not known which commit the upstream had, only that it was the branch's own then. */
  readonly oid: Oid | null;
  readonly hasDiverged: boolean;
  readonly seenAt: Date;
}

export interface BranchView {
  readonly name: string;
  readonly commit: Commit;
  readonly isProtected: boolean;
  readonly isDefault: boolean;
  /** Whether the default branch has all of it. */
  readonly isMerged: boolean;
  readonly canPush: boolean;
  readonly developersCanPush: boolean;
  readonly developersCanMerge: boolean;
  /** Null: no pull mirror, or nothing is known of the branch. */
  readonly upstream: UpstreamView | null;
}

export interface TagView {
  readonly name: string;
  readonly tag: BrowsedTag;
  readonly isProtected: boolean;
}

export interface CommitView {
  readonly commit: Commit;
  /** Null: nobody asked. */
  readonly stats: DiffStats | null;
}

/** What an answer is made of besides the thing itself: its addresses name the project. */
export interface OfProject<T> {
  readonly project: Project;
  readonly found: T;
}

/** A page of something that nobody has counted. */
export interface PartOfMany<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/** A page of something that was counted. */
export interface CountedPart<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/** A page of refs: all are counted, and whether more follow is known. */
export interface RefPart<T> extends CountedPart<T> {
  readonly hasMore: boolean;
}

/** From where on: a page by its number, or what comes behind the branch or tag of this name. */
export type RefPosition =
  | { readonly kind: "page"; readonly page: Page }
  | { readonly kind: "after"; readonly name: string | null; readonly count: number };

export interface BranchFilter {
  /** A part of the name; `^` in front of it: its beginning; `$` behind it: its end. */
  readonly search?: string;
  /** In RE2's syntax. */
  readonly regex?: string;
  readonly sort: "name_asc" | "updated_asc" | "updated_desc";
}

export interface TagFilter {
  readonly search?: string;
  readonly orderBy: "name" | "updated" | "version";
  readonly sort: "asc" | "desc";
}

export interface CommitFilter {
  readonly refName?: string;
  readonly path?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly author?: string;
  readonly all: boolean;
  readonly firstParent: boolean;
  readonly order: "default" | "topo";
  readonly withStats: boolean;
}

export interface Comparison {
  /** The newest of the commits below. */
  readonly commit: Commit | null;
  readonly commits: readonly Commit[];
  readonly diffs: readonly FileDiff[];
  readonly isSame: boolean;
}

export interface FileView {
  readonly path: string;
  readonly name: string;
  readonly blob: Blob;
  readonly mode: string;
  /** As it was asked for. */
  readonly ref: string;
  readonly commit: Oid;
  /** The newest commit that changed it. */
  readonly lastCommit: Oid;
}

export interface TreePart {
  readonly items: readonly TreeEntry[];
  /** Null where nobody has counted. */
  readonly total: number | null;
  readonly hasMore: boolean;
}

/** From where on: a page by its number, or what comes behind an entry of this path. */
export type TreePosition =
  | { readonly kind: "page"; readonly page: Page }
  | { readonly kind: "after"; readonly path: string | null; readonly count: number };

/**
 * Looking into a project's repository. All of it is for those who may read its code: `forbidden` for who sees the project
 * alone, and `not-found`, with GitLab's words for what is missing: `Branch Not Found`, `Commit Not Found`, `Tree Not Found`.
 * `server-busy` where too many ask for what is not at hand; `cancelled` once the signal of one who asks has fired.
 */
export interface BrowsingUseCases {
  listBranches(
    principal: Principal,
    which: PathOrId,
    filter: BranchFilter,
    position: RefPosition,
    signal: AbortSignal,
  ): Promise<OfProject<RefPart<BranchView>>>;
  findBranch(
    principal: Principal,
    which: PathOrId,
    name: string,
    signal: AbortSignal,
  ): Promise<OfProject<BranchView>>;
  /** `ref`: where it begins. For those who may push. */
  createBranch(
    principal: Principal,
    which: PathOrId,
    draft: { readonly name: string; readonly ref: string },
    signal: AbortSignal,
  ): Promise<OfProject<BranchView>>;
  removeBranch(principal: Principal, which: PathOrId, name: string): Promise<void>;
  listTags(
    principal: Principal,
    which: PathOrId,
    filter: TagFilter,
    position: RefPosition,
    signal: AbortSignal,
  ): Promise<OfProject<RefPart<TagView>>>;
  findTag(principal: Principal, which: PathOrId, name: string): Promise<OfProject<TagView>>;
  createTag(
    principal: Principal,
    which: PathOrId,
    draft: { readonly name: string; readonly ref: string },
  ): Promise<OfProject<TagView>>;
  removeTag(principal: Principal, which: PathOrId, name: string): Promise<void>;
  /** Branches and tags that have the text in their names. */
  searchRefs(
    principal: Principal,
    which: PathOrId,
    search: string,
    page: Page,
  ): Promise<CountedPart<{ readonly name: string; readonly type: "branch" | "tag" }>>;
  listCommits(
    principal: Principal,
    which: PathOrId,
    filter: CommitFilter,
    page: Page,
    signal: AbortSignal,
  ): Promise<OfProject<PartOfMany<CommitView>>>;
  /** By oid, abbreviated or not, or by the name of a branch or tag. */
  findCommit(
    principal: Principal,
    which: PathOrId,
    name: string,
    options: { readonly withStats: boolean },
    signal: AbortSignal,
  ): Promise<OfProject<CommitView>>;
  /** Branches and tags whose history has it. */
  listCommitRefs(
    principal: Principal,
    which: PathOrId,
    name: string,
    type: "branch" | "tag" | "all",
    signal: AbortSignal,
  ): Promise<readonly { readonly name: string; readonly type: "branch" | "tag" }[]>;
  /** Against its first parent. */
  diffCommit(
    principal: Principal,
    which: PathOrId,
    name: string,
    signal: AbortSignal,
  ): Promise<readonly FileDiff[]>;
  findMergeBase(
    principal: Principal,
    which: PathOrId,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<OfProject<Commit>>;
  /** From the merge base, or straight from one to the other. */
  compareCommits(
    principal: Principal,
    which: PathOrId,
    between: { readonly from: string; readonly to: string; readonly isStraight: boolean },
    signal: AbortSignal,
  ): Promise<OfProject<Comparison>>;
  /** `ref` null: the default branch. */
  listTree(
    principal: Principal,
    which: PathOrId,
    what: { readonly path: string; readonly ref: string | null; readonly isRecursive: boolean },
    position: TreePosition,
  ): Promise<TreePart>;
  findFile(
    principal: Principal,
    which: PathOrId,
    what: { readonly path: string; readonly ref: string },
    signal: AbortSignal,
  ): Promise<OfProject<FileView>>;
  searchFiles(
    principal: Principal,
    which: PathOrId,
    what: { readonly ref: string | null; readonly search: string },
    signal: AbortSignal,
  ): Promise<readonly string[]>;
  findBlob(principal: Principal, which: PathOrId, name: string): Promise<OfProject<Blob>>;
  /** The content of a blob that was just found, whole: for small ones. */
  readBlob(project: Project, blob: Blob): Promise<Buffer>;
  /** The content at the pace of the reader; a large one waits for a turn. */
  streamBlob(
    principal: Principal,
    project: Project,
    blob: Blob,
    signal: AbortSignal,
  ): Promise<Readable | Buffer>;
  /** With the name that its file should have, less the ending. `ref` null: the default branch. */
  prepareArchive(
    principal: Principal,
    which: PathOrId,
    what: { readonly ref: string | null; readonly path: string; readonly format: ArchiveFormat },
  ): Promise<{ readonly name: string; start(signal: AbortSignal): Promise<Readable> }>;
}
