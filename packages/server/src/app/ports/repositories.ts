import type { Readable, Writable } from "node:stream";
import type { ObjectFormat, Oid } from "../../domain/oid.ts";
import type { PushVerdict } from "../../domain/push-verdict.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { AncestryAnswers, AncestryQuestion } from "../../domain/ref-plan/ancestry.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefMove, RefResult } from "../../domain/refs.ts";
import type { ConversationProgram, GitExchange, GitService } from "../git-exchange.ts";
import type { PushExchange, ReceivedPush } from "./pushes.ts";
import type {
  FetchOptions,
  Pack,
  PackRequest,
  ReceiveOptions,
  RemoteAccess,
  TransferOptions,
} from "./transfers.ts";

/** The commits that a move brought to its ref. */
export interface MoveFacts {
  readonly commitCount: number;
  /** The message of the newest of them, whole; null: there is none. */
  readonly message: string | null;
}

/** The paths that a commit changed against its first parent. A renamed file is one that was removed and one that was added. */
export interface ChangedFiles {
  readonly added: readonly string[];
  readonly modified: readonly string[];
  readonly removed: readonly string[];
}

/** A first commit with one file in it. */
export interface FirstFile {
  readonly branch: RefName;
  readonly file: string;
  readonly content: string;
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly at: Date;
}

/** Bare repositories on disk, by absolute path. All of it runs git; nothing of it knows a database. */
export interface Repositories {
  pathOf(projectId: number): string;
  init(path: string, options: { objectFormat: ObjectFormat; head: RefName }): Promise<void>;
  /**
   * Puts a new repository in the place of one without refs. `isIdle` is asked while no new push finds the old one: says
   * it that somebody may be writing there, or are there refs, then the old one stays: false.
   */
  replaceEmpty(
    path: string,
    options: { objectFormat: ObjectFormat; head: RefName },
    isIdle: () => Promise<boolean>,
  ): Promise<boolean>;
  exists(path: string): Promise<boolean>;
  /** Moves the repository away at once and deletes it behind the scenes. */
  remove(path: string): Promise<void>;
  readRefs(path: string): Promise<LocalRefs>;
  /** Bytes that its objects take on disk. Starts no process; reads the directories of its objects. */
  measure(path: string): Promise<number>;
  /** The branch that HEAD points at, or null while it is unborn; starts no process. */
  readDefaultBranch(path: string): Promise<RefName | null>;
  /** The first commit of an empty repository; answers its id. */
  commitFirstFile(path: string, first: FirstFile): Promise<Oid>;
  answerAncestry(path: string, questions: readonly AncestryQuestion[]): Promise<AncestryAnswers>;
  /**
   * First pull into a repository that has no refs: transfers everything below heads and tags as `git clone` does
   * and answers what the remote had, its objects now in `path`, no ref written yet. `repository-too-large`,
   * `too-many-refs` and `fsck-refused` where the admission does not let them in: then nothing came.
   */
  fetchAll(path: string, remote: RemoteAccess, options: ReceiveOptions): Promise<AdvertisedRefs>;
  /**
   * Transfers what these oids need and is not here yet; writes no ref. Objects that lead to `haves`, or to any ref of
   * ours if that is left out, are not asked for again. `repository-too-large` and `fsck-refused` as above.
   */
  fetchObjects(
    path: string,
    remote: RemoteAccess,
    oids: readonly Oid[],
    options: FetchOptions,
  ): Promise<void>;
  /**
   * Applies all changes, each against its old value; a ref that moved meanwhile is `rejected`, the rest go on.
   * `areChecked`: git has just looked at all objects that they lead to, and what tags peel to is in the changes.
   */
  applyChanges(
    path: string,
    changes: readonly RefChange[],
    options?: { readonly areChecked: boolean },
  ): Promise<readonly RefResult[]>;
  setHead(path: string, head: RefName): Promise<void>;
  /**
   * Points a HEAD whose branch is not there at one that is: main, master or the first by name. Answers it, and null where
   * there was nothing to do. However many do so at once, HEAD stays where the first has put it.
   */
  adoptHead(path: string): Promise<RefName | null>;
  /**
   * What the activity feed says of these moves, in few and short processes. A move of which nothing can be said any
   * more, because its objects are gone, is not in the answer.
   */
  describeMoves(
    path: string,
    moves: readonly RefMove[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<RefName, MoveFacts>>;
  /**
   * What these commits changed, in one process, each list cut after some hundred names. Commits that are gone, and all of
   * them where they changed too much to be read, are not in the answer.
   */
  listChangedFiles(
    path: string,
    commits: readonly Oid[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Oid, ChangedFiles>>;
  /**
   * Clears away what dead gits left here: locks, halves of packs, refs without content. Waits a little for gits that
   * outlived their server. To be called before a run that takes over from a dead one.
   */
  removeRemains(path: string, signal: AbortSignal): Promise<void>;
  /**
   * Packs what many small writes left lying about, if there is enough of it: a look at directories tells. Nothing is
   * lost by it, and nobody is kept waiting. `alone` is given the work when there is some, and may decline it. Answers
   * whether it was done.
   */
  keepHouse(
    path: string,
    signal: AbortSignal,
    alone: (work: () => Promise<void>) => Promise<boolean>,
  ): Promise<boolean>;
  /** What `git <service> --http-backend-info-refs` says: refs and capabilities as pkt-lines. */
  advertise(path: string, service: GitService, exchange: GitExchange): Promise<Readable | Buffer>;
  /**
   * One stateless exchange with a client that fetches; streams both ways. Rejects when git cannot be started, fails or is
   * aborted.
   */
  servePack(path: string, exchange: GitExchange, input: Readable, output: Writable): Promise<void>;
  /**
   * The same with one that pushes. The commands are read and decided about before git is started; a push is refused as a
   * whole when a rule refuses any of its refs, and the client is told which. `push-malformed` for what git does not send.
   * A push that arrived in full is carried out though the client goes away.
   */
  receivePack(path: string, exchange: PushExchange, input: Readable, output: Writable): Promise<ReceivedPush>;
  /**
   * A whole conversation with a client, for a connection of its own: reads `input`, writes `output` and ends it. Rejects
   * when git cannot be started, fails or is aborted.
   */
  converse(
    path: string,
    program: ConversationProgram,
    exchange: GitExchange,
    input: Readable,
    output: Writable,
  ): Promise<void>;
  /** Makes a pack to be pushed. Nothing comes of the stream before all of what goes in is known. */
  packObjects(path: string, request: PackRequest, options: TransferOptions): Promise<Pack>;
  /**
   * Pushes these changes with git, each with a lease on its old value; one verdict a change, in their order. For
   * remotes that `Remotes.push` does not speak to.
   */
  push(
    path: string,
    remote: RemoteAccess,
    changes: readonly RefChange[],
    options: TransferOptions,
  ): Promise<readonly PushVerdict[]>;
}
