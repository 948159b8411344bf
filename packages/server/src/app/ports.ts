import type { Readable, Writable } from "node:stream";
import type {
  AuthMethod,
  ErrorCode,
  MirrorDirection,
  TokenScope,
  UpdateTrigger,
  Visibility,
} from "@heliostat/contract";
import type { HostTrouble } from "../domain/host-breaker.ts";
import type {
  ListedUpdate,
  Mirror,
  MirrorHealth,
  MirrorOptions,
  MirrorUpdate,
  UpdateLogLine,
  UpdateProgress,
  UpdateState,
} from "../domain/mirror.ts";
import type { Hindrance } from "../domain/mirroring-switches.ts";
import type { ObjectFormat, Oid } from "../domain/oid.ts";
import type { Namespace, Project } from "../domain/project.ts";
import type { NewProjectEvent, ProjectEvent } from "../domain/project-event.ts";
import type { PushVerdict } from "../domain/push-verdict.ts";
import type { RefName } from "../domain/ref-name.ts";
import type { AncestryAnswers, AncestryQuestion } from "../domain/ref-plan/ancestry.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefMove, RefResult } from "../domain/refs.ts";
import type { RemoteUrl } from "../domain/remote-url.ts";
import type { AccessToken, User } from "../domain/user.ts";
import type { GitExchange, GitService } from "./git-exchange.ts";

/** What the use cases need of the world. `compose/` gives them the adapters; tests of use cases give real ones too. */
export interface Ports {
  readonly instance: Instance;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: InstanceSettingsStore;
  readonly users: UserStore;
  readonly tokens: TokenStore;
  readonly namespaces: NamespaceStore;
  readonly projects: ProjectStore;
  readonly protectedBranches: ProtectedBranchStore;
  readonly protectedTags: ProtectedTagStore;
  readonly mirrors: MirrorStore;
  readonly hosts: HostStore;
  readonly events: EventStore;
  /** Null: there is no mail server, and nobody is told anything by mail. */
  readonly mails: MailOutbox | null;
  readonly repositories: Repositories;
  readonly remotes: Remotes;
  readonly queue: UpdateQueue;
  readonly housekeeping: Housekeeping;
  readonly background: Background;
  readonly progress: ProgressBoard;
  readonly passwords: PasswordHasher;
}

export interface Clock {
  now(): Date;
  /** Calls `work` once, `ms` milliseconds from now, unless it is cancelled before. Keeps no process alive. */
  after(ms: number, work: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The structured log: fields first, message second. Secrets never reach it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The host's own facts that use cases need and tests fix. */
export interface Instance {
  readonly version: string;
  readonly revision: string;
  /** Base URL that people and clients see, without a slash at its end. */
  readonly externalUrl: string;
  /** A fresh secret for a token: long, random, URL-safe. */
  readonly makeTokenSecret: () => string;
  /** Between 0 and 1: jitter. */
  readonly random: () => number;
  /** The parts that must work before the instance is ready, by name; each rejects when its part does not. */
  readonly readinessProbes: Readonly<Record<string, () => Promise<void>>>;
}

export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** False for a wrong password; a malformed hash is an error. */
  verify(password: string, hash: string): Promise<boolean>;
}

// --- state -----------------------------------------------------------------------------------------------------

/** The settings that an admin changes at run time (`/application/settings`). */
export interface InstanceSettings {
  readonly allowLocalRequests: boolean;
  readonly mirrorAvailable: boolean;
  readonly pullMirrorIntervalSeconds: number;
  readonly pullMirrorMinIntervalSeconds: number;
  readonly pushMirrorMinIntervalSeconds: number;
  /** Nothing goes out: no push, no pull, no mail. */
  readonly silentModeEnabled: boolean;
  /** Minutes: no failing pull mirror waits longer, no adaptive interval is longer. */
  readonly mirrorMaxDelay: number;
  /** Pull updates at the same time, over all nodes. */
  readonly mirrorMaxCapacity: number;
  /** GitLab's; ours starts updates as soon as one ends, so it is kept and answered only. */
  readonly mirrorCapacityThreshold: number;
  /** Updates at the same time with one host, over all nodes and both directions. */
  readonly mirrorMaxUpdatesPerHost: number;
  /** The longest that one update may take. */
  readonly mirrorUpdateTimeoutSeconds: number;
  /** The longest that a transfer may go without a byte. */
  readonly mirrorStallTimeoutSeconds: number;
  /** How long the history of updates is kept. */
  readonly mirrorUpdateRetentionDays: number;
  /** More changes of a kind than this in one push make one event for all. */
  readonly pushEventActivitiesLimit: number;
  readonly pushEventHooksLimit: number;
  readonly gitPushPipelineLimit: number;
  /** Hosts, addresses and ranges that are exempt from the checks of the outbound guard. */
  readonly outboundAllowlist: readonly string[];
  readonly denyAllRequestsExceptAllowed: boolean;
  readonly dnsRebindingProtectionEnabled: boolean;
}

export interface InstanceSettingsStore {
  read(): Promise<InstanceSettings>;
  write(changes: Partial<InstanceSettings>): Promise<InstanceSettings>;
}

export interface NewUser {
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly isAdmin: boolean;
  readonly passwordHash: string | null;
}

export interface UserStore {
  /** Makes the user and the namespace of the same name; `model-invalid` when the name is taken. */
  create(user: NewUser): Promise<User>;
  find(id: number): Promise<User | null>;
  findByUsername(username: string): Promise<User | null>;
  /** The user and the stored hash, for signing in. */
  findForSignIn(username: string): Promise<{ user: User; passwordHash: string | null } | null>;
  /** People; `withBots`: the own identities of projects too. */
  list(filter: { withBots: boolean }, page: Page): Promise<Paged<User>>;
  count(): Promise<number>;
  listActiveAdmins(): Promise<readonly User[]>;
  /** `not-found` when there is no such user. */
  setState(id: number, state: User["state"]): Promise<User>;
  /** Takes the user and their namespace away; `conflict`, and nothing done, while there are projects in it. */
  remove(id: number): Promise<void>;
  /** The project's own identity, made when there is none: no password, no namespace, no token. */
  findOrCreateBot(project: Pick<Project, "id" | "name">): Promise<User>;
}

export interface TokenStore {
  create(token: {
    userId: number;
    name: string;
    digest: Buffer;
    scopes: readonly TokenScope[];
    expiresAt: Date | null;
  }): Promise<AccessToken>;
  /** The live token with this digest and its user, or null when unknown, revoked or expired at `now`. */
  findLive(digest: Buffer, now: Date): Promise<{ token: AccessToken; user: User } | null>;
  /** Whether there is or was a token with this digest. */
  isKnown(digest: Buffer): Promise<boolean>;
  listOf(userId: number, page: Page): Promise<Paged<AccessToken>>;
  find(id: number): Promise<AccessToken | null>;
  revoke(id: number): Promise<void>;
  /** Written at most once in a while for each token: it is a hint, not an audit. */
  touch(id: number, now: Date): Promise<void>;
}

export interface NamespaceStore {
  find(id: number): Promise<Namespace | null>;
  findByFullPath(fullPath: string): Promise<Namespace | null>;
  createGroup(group: { name: string; path: string; parentId: number | null }): Promise<Namespace>;
  /** `visibleTo`: groups, and the user's own namespace; an admin sees all. */
  list(
    filter: { search?: string; kind?: Namespace["kind"]; visibleTo: User },
    page: Page,
  ): Promise<Paged<Namespace>>;
}

/** Offset paging as GitLab's API has it: `page` from 1, `perPage` 1–100. */
export interface Page {
  readonly page: number;
  readonly perPage: number;
}

export interface Paged<T> {
  readonly items: readonly T[];
  readonly total: number;
}

export interface NewProject {
  readonly namespaceId: number;
  readonly name: string;
  readonly path: string;
  readonly description: string | null;
  readonly visibility: Visibility;
  readonly creatorId: number;
}

export interface ProjectStore {
  /** `model-invalid` with GitLab's fields when the path is taken in the namespace. */
  create(project: NewProject): Promise<Project>;
  find(id: number): Promise<Project | null>;
  /** Those of them that exist, in the order given. */
  findAll(ids: readonly number[]): Promise<readonly Project[]>;
  findByFullPath(fullPath: string): Promise<Project | null>;
  update(
    id: number,
    changes: Partial<
      Pick<
        Project,
        | "name"
        | "path"
        | "description"
        | "visibility"
        | "archived"
        | "pullMirrorAvailable"
        | "pushMirrorsAvailable"
      >
    >,
  ): Promise<Project>;
  /** Takes the project and all its rows away; its repository is the caller's to remove afterwards. */
  remove(id: number): Promise<void>;
  /** `visibleTo` null: anonymous; an admin sees all. */
  list(
    filter: { search?: string; visibleTo: User | null; ownedBy?: number },
    page: Page,
  ): Promise<Paged<Project>>;
  /** Called before refs are written: `refsGeneration` reads null until the matching `endRefsWrite`. */
  beginRefsWrite(id: number): Promise<void>;
  /** Raises `refsGeneration` and answers it; null while somebody else still writes, or when the project is gone. */
  endRefsWrite(id: number): Promise<number | null>;
  /**
   * At start, when nobody writes: ends the writes that a killed server left open. What they wrote nobody was told, so
   * the mirrors of these projects are due at once.
   */
  endLostRefsWrites(): Promise<void>;
  touchActivity(id: number, now: Date): Promise<void>;
  /** The right to put the repository in order until then, unless renewed; false while another node has it. */
  claimHousekeeping(
    id: number,
    lease: { readonly now: Date; readonly until: Date; readonly isRenewal: boolean },
  ): Promise<boolean>;
  endHousekeeping(id: number): Promise<void>;
}

export interface ProtectedBranch {
  readonly id: number;
  readonly projectId: number;
  /** An exact name, or with `*` for any run of characters. */
  readonly name: string;
}

export interface ProtectedBranchStore {
  list(projectId: number): Promise<readonly ProtectedBranch[]>;
  create(projectId: number, name: string): Promise<ProtectedBranch>;
  remove(projectId: number, name: string): Promise<boolean>;
}

export interface ProtectedTag {
  readonly id: number;
  readonly projectId: number;
  /** An exact name, or with `*` for any run of characters. */
  readonly name: string;
  /** Who may create such a tag: 0 no one, 30 developers, 40 maintainers. */
  readonly createAccessLevel: number;
}

export interface ProtectedTagStore {
  list(projectId: number): Promise<readonly ProtectedTag[]>;
  /** `conflict` when the name is protected already. */
  create(projectId: number, name: string, createAccessLevel: number): Promise<ProtectedTag>;
  remove(projectId: number, name: string): Promise<boolean>;
}

/** A user name and a password or token for a remote, in the clear: kept no longer than one run. */
export interface RemoteCredential {
  readonly username: string;
  readonly password: string;
}

export interface NewMirror {
  readonly projectId: number;
  readonly direction: MirrorDirection;
  readonly enabled: boolean;
  readonly url: RemoteUrl;
  readonly urlHadUserinfo: boolean;
  readonly authMethod: AuthMethod;
  readonly credential: Partial<RemoteCredential>;
  readonly options: MirrorOptions;
  readonly userId: number;
}

export interface MirrorChanges {
  readonly enabled?: boolean;
  readonly url?: RemoteUrl;
  readonly urlHadUserinfo?: boolean;
  readonly authMethod?: AuthMethod;
  /** Replaces what is given; `null` takes it away. */
  readonly credential?: { readonly username?: string | null; readonly password?: string | null };
  readonly options?: Partial<MirrorOptions>;
  readonly userId?: number;
  /** Takes the last error and the count of failures away: what made them may be gone with this change. */
  readonly clearsError?: boolean;
  /** Forgets status, errors and applied state, and supersedes a run under way: the relation is a new one. */
  readonly resetState?: boolean;
}

/** The right to run one mirror's update, until `expiresAt` unless renewed. */
export interface UpdateLease {
  readonly mirror: Mirror;
  readonly updateId: number;
  readonly trigger: UpdateTrigger;
  readonly token: string;
}

/**
 * What has become of a lease: it is `held`; somebody wants its run to end, or a switch does; the mirror has another URL
 * by now; it is `lost`.
 */
export type LeaseState =
  | { readonly kind: "held" }
  /** `by`: the name of who asked; null when they are gone. */
  | { readonly kind: "cancelled"; readonly by: string | null }
  | { readonly kind: "hindered"; readonly by: Hindrance }
  | { readonly kind: "superseded" }
  | { readonly kind: "lost" };

/** Checks that may be under way on this node: `total` more, and with one host `perHost` together with those of `busy`. */
export interface CheckRoom {
  readonly total: number;
  readonly perHost: number;
  /** Host and port → checks that are under way. */
  readonly busy: ReadonlyMap<string, number>;
}

export interface FinishedUpdate {
  readonly status: "finished" | "failed" | "cancelled";
  readonly error: string | null;
  /** Of an error that ended the run; null where it came to its end. */
  readonly errorCode: ErrorCode | null;
  readonly results: readonly RefResult[];
  /** Refs that were equal on both sides, and that the filter left out. All of them; the store keeps some names. */
  readonly upToDate: readonly RefName[];
  readonly skipped: readonly RefName[];
  readonly notes: readonly string[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly log: readonly UpdateLogLine[];
  readonly now: Date;
  /** Set on success, and on a failure that is only what a person must decide: refs that diverged or are held. */
  readonly appliedDigest: string | null;
  readonly appliedGeneration: number | null;
  readonly retryCount: number;
  /** Null: no more until somebody resumes it. */
  readonly nextCheckAt: Date | null;
  /** It is to be tried again soon: a failure reads `to_retry`, a run that a shutdown ended `scheduled`. */
  readonly willRetry: boolean;
}

/** An update is wanted at that time or later, and by whom; null: by nobody. */
export interface UpdateWish {
  readonly trigger: UpdateTrigger;
  readonly at: Date;
  readonly userId: number | null;
}

/** What of the store takes part in a change of one project's mirrors. */
export type MirrorEditor = Pick<MirrorStore, "create" | "listOf" | "update">;

export interface MirrorStore {
  create(mirror: NewMirror): Promise<Mirror>;
  find(id: number): Promise<Mirror | null>;
  listOf(projectId: number, direction?: MirrorDirection): Promise<readonly Mirror[]>;
  /** The pull mirrors of these projects, in no order. */
  listPullMirrors(projectIds: readonly number[]): Promise<readonly Mirror[]>;
  /** The pull mirrors that act for this user. */
  listPullMirrorsOfUser(userId: number): Promise<readonly Mirror[]>;
  /** Mirrors with a run under way that may not run any more: a switch was turned since it began. */
  listHindered(): Promise<readonly Mirror[]>;
  /** Only what is given is written, so that changes of different things at the same time both hold. */
  update(id: number, changes: MirrorChanges): Promise<Mirror>;
  remove(id: number): Promise<void>;
  /**
   * Makes changes that depend on the project's other mirrors: all of them or none, and nobody else makes such ones
   * meanwhile. `change` must use nothing but the editor that it is given, and must not wait for the network.
   */
  changeMirrorsOf<T>(projectId: number, change: (mirrors: MirrorEditor) => Promise<T>): Promise<T>;
  /** The stored secret, opened; null when there is none. `secret-unreadable` when its key is lost. */
  readSecret(id: number): Promise<Partial<RemoteCredential>>;

  /** Notes in the database that an update is wanted, and who wants it, so that the wish survives a crash. */
  requestUpdate(id: number, trigger: UpdateTrigger, at: Date, userId?: number | null): Promise<void>;
  /** Counts the failures of these mirrors from the beginning, and notes a wish for each of them. */
  resume(ids: readonly number[], wish: UpdateWish): Promise<void>;
  /**
   * Mirrors with a wish that is due, no more of them than have a place (`startUpdate`). The hosts take turns, so that
   * one with a thousand waiting mirrors does not hide the others.
   */
  listWaiting(now: Date): Promise<readonly number[]>;
  /**
   * Hands out due mirrors for checking, each to one caller; moves their `nextCheckAt` out of the way meanwhile. None of
   * a paused host, but for one as its probe when the pause is over.
   */
  claimDue(now: Date, until: Date, room: CheckRoom): Promise<readonly Mirror[]>;
  /**
   * Writes the outcome of many checks that found nothing to do, but for the mirrors to which something happened since
   * they were claimed until `claimedUntil`: a wish, a run, other options. A mirror that failed only for refs that a
   * person must decide about stays failed.
   */
  recordUnchanged(
    checks: readonly { id: number; claimedUntil: Date; nextCheckAt: Date }[],
    now: Date,
  ): Promise<void>;
  /** Gives up a check that said nothing of the mirror: it is due again at `dueAt`. */
  postponeCheck(check: { id: number; claimedUntil: Date }, dueAt: Date): Promise<void>;
  /**
   * The first moment after `moment` at which there is something to do: a check or a wish falls due, a lease lapses, the
   * pause of a host is over. Null: none.
   */
  nextDueAfter(moment: Date): Promise<Date | null>;
  /** Pull mirrors that are on but paused for too many failures; of one host, where it is given, with or without port. */
  listPaused(host: string | null): Promise<readonly Mirror[]>;

  /**
   * Takes the mirror's lease, starts an update row and clears the wish. Null when it cannot run now: there is no wish,
   * another run holds the lease, the mirror is gone or disabled, the instance or the host has as many updates under way
   * as it may have (over all nodes), or the host is paused and this may not be its probe.
   */
  startUpdate(id: number, now: Date, expiresAt: Date): Promise<UpdateLease | null>;
  /**
   * Records the runs whose lease lapsed with their node as failed, and wishes for the recovery of their mirrors, unless
   * these are off or somebody had asked for the end of the run.
   */
  endLapsedRuns(now: Date): Promise<void>;
  /** At start, when no other node is at work: the leases that are held are a killed server's, so they end as lapsed. */
  endLostLeases(now: Date): Promise<void>;
  /** Anything but `held` means that the run must stop. */
  renewLease(lease: UpdateLease, expiresAt: Date): Promise<LeaseState>;
  readLease(lease: UpdateLease): Promise<LeaseState>;
  /**
   * Asks for the end of the mirror's run, on whichever node, and takes a wish back that waits. Answers what there was to
   * end; null: nothing.
   */
  requestCancel(id: number, now: Date, userId: number): Promise<"running" | "waiting" | null>;
  /**
   * False, and nothing written, when the lease is no longer ours. One that is superseded is let go of, and nothing but
   * the end of the run recorded.
   */
  finishUpdate(lease: UpdateLease, outcome: FinishedUpdate): Promise<boolean>;
  /** The newest first. */
  listUpdates(mirrorId: number, page: Page): Promise<Paged<ListedUpdate>>;
  findUpdate(mirrorId: number, updateId: number): Promise<MirrorUpdate | null>;
  findNewestUpdate(mirrorId: number): Promise<UpdateState | null>;
  /** The first of the updates with a higher id. */
  findUpdateAfter(mirrorId: number, updateId: number): Promise<UpdateState | null>;
  /** Notes how far a running update is, for other nodes to read; nothing when it has ended. */
  recordProgress(updateId: number, progress: UpdateProgress): Promise<void>;
  /** Removes at most `limit` updates that began before; never a mirror's newest. Answers how many it were. */
  removeOldUpdates(before: Date, limit: number): Promise<number>;
}

/** How far the updates on this node are. Those of other nodes are in `MirrorStore`, up to a second behind. */
export interface ProgressBoard {
  /** Puts a run on the board. */
  begin(run: { readonly mirrorId: number; readonly updateId: number }): ProgressNote;
  /** The last word on this update; null when it does not run here, or has said nothing yet. */
  read(updateId: number): UpdateProgress | null;
  /** Calls back whenever there is news of this mirror's updates on this node; answers how to stop that. */
  watch(mirrorId: number, onNews: () => void): () => void;
}

/** One run's place on the board. */
export interface ProgressNote {
  report(progress: UpdateProgress): void;
  /** Takes it down. Called once the end is recorded, so that who is told of it finds it. */
  end(): void;
}

/** A host that did not answer. */
export interface FailingHost extends HostTrouble {
  /** Host and port. */
  readonly host: string;
}

/** What is known of the hosts that mirrors speak to: one that works is not in it. Shared by all nodes. */
export interface HostStore {
  list(): Promise<readonly FailingHost[]>;
  /** One more failure of the network kind, met by this mirror (`addHostFailure`); answers what is known now. */
  recordFailure(
    host: string,
    failure: { error: string; now: Date; mirrorId: number; retryAfterSeconds?: number | undefined },
  ): Promise<FailingHost>;
  /**
   * They answered these mirrors: forgets their failures, but for a host whose pause is not over, and that answered none
   * but mirrors that had begun before it. True when one was paused, so that what waits may run; what had failed by its
   * silence is due at once.
   */
  recordAnswers(answers: readonly { host: string; mirrorId: number }[], now: Date): Promise<boolean>;
}

export interface EventFilter {
  /** Events of this day and later are left out; of this day and earlier. As GitLab's `before` and `after`. */
  readonly before?: Date;
  readonly after?: Date;
  readonly sort: "asc" | "desc";
}

/** An event with the one who made it; null: they are gone, or it was nobody. */
export interface AuthoredEvent {
  readonly event: ProjectEvent;
  readonly author: User | null;
}

export interface EventStore {
  record(events: readonly NewProjectEvent[]): Promise<void>;
  /** In the order in which it happened, or the reverse. */
  list(projectId: number, filter: EventFilter, page: Page): Promise<Paged<AuthoredEvent>>;
}

/** Work that nobody waits for. */
export interface Background {
  /**
   * Does it soon, after what was given before; a failure is logged and goes nowhere else. It is lost if the process
   * dies first. The signal ends it when a shutdown has waited long enough.
   */
  run(what: string, work: (signal: AbortSignal) => Promise<void>): void;
}

export interface Mail {
  readonly recipient: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface WaitingMail extends Mail {
  readonly id: number;
  /** Tries so far. */
  readonly attempts: number;
  readonly createdAt: Date;
}

/** Mails that are to be sent, in the database, so that a crash loses none. */
export interface MailOutbox {
  /**
   * Notes that people are told of the mirror's health, and with it the mails that tell them, in one transaction. Does
   * nothing and answers false when they were told of this health before, or a later update than the one that says so has
   * ended: that one's word counts.
   */
  tellHealth(
    news: { mirrorId: number; updateId: number; health: MirrorHealth },
    mails: readonly Mail[],
    now: Date,
  ): Promise<boolean>;
  put(mails: readonly Mail[], now: Date): Promise<void>;
  /** Hands out mails that are due, each to one caller, and moves them out of the way until `until`. */
  claimDue(now: Date, until: Date, limit: number): Promise<readonly WaitingMail[]>;
  recordSent(id: number, now: Date): Promise<void>;
  /** `nextAttemptAt` null: given up. */
  recordFailure(id: number, error: string, nextAttemptAt: Date | null): Promise<void>;
  /** Removes mails made before this moment, sent or not, and answers how many. */
  removeOld(before: Date): Promise<number>;
}

/** What became of one try to send a mail. */
export type Delivery =
  | { readonly kind: "sent" }
  /** `isFinal`: another try would end the same way. The reason holds no secret. */
  | { readonly kind: "failed"; readonly reason: string; readonly isFinal: boolean };

/** The way to the mail server. */
export interface MailSender {
  /** Never throws, and ends in a bounded time. The same mail has the same Message-ID however often it is sent. */
  send(mail: WaitingMail, signal: AbortSignal): Promise<Delivery>;
}

// --- repositories and remotes ----------------------------------------------------------------------------------

/** A remote that was checked and may be spoken to, for one run. Made by `Remotes.open` only. */
export interface RemoteAccess {
  readonly url: RemoteUrl;
  readonly credential: RemoteCredential | null;
  /** The address that was checked; connections go there and nowhere else. Null for a local path (CLI only). */
  readonly address: string | null;
}

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: UpdateProgress) => void;
  /** Longest time without a byte; the adapter's own when left out. */
  readonly stallTimeoutMs?: number;
}

export interface FetchOptions extends TransferOptions {
  /** Not empty; each is here. */
  readonly haves?: readonly Oid[];
}

/** What a pack is to hold: all that leads to `wants` and not to `haves`. */
export interface PackRequest {
  readonly wants: readonly Oid[];
  /** What the receiver has. Those that are not here are passed over. */
  readonly haves: readonly Oid[];
  /** Deltas may build on objects that only the receiver has. */
  readonly isThin: boolean;
  /** Deltas may name their base by its place in the pack, which is shorter. */
  readonly hasOffsetDeltas: boolean;
}

/** A pack as it is made. Destroying the stream ends the making. */
export interface Pack {
  readonly stream: Readable;
  /** Rejects when the pack is not whole, however its stream ended; settles once the process is gone. */
  readonly done: Promise<void>;
}

/**
 * One push of these changes, each with a lease on its old value; one verdict a change, in their order. Throws when the
 * remote cannot be spoken to, or does not say what became of the push. Groups may be pushed at the same time.
 */
export type PushGroup = (changes: readonly RefChange[]) => Promise<readonly PushVerdict[]>;

/** Begins to make a pack; the signal ends it. */
export type OpenPack = (request: PackRequest, signal: AbortSignal) => Promise<Pack>;

/** One ref that a client's push changed, by the old and new value that git's hook reported. */
export interface PushedRef {
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly new: Oid | null;
}

/** The commits that a move brought to its ref. */
export interface MoveFacts {
  readonly commitCount: number;
  /** The message of the newest of them, whole; null: there is none. */
  readonly message: string | null;
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
  /** The branch that HEAD points at, or null while it is unborn; starts no process. */
  readDefaultBranch(path: string): Promise<RefName | null>;
  answerAncestry(path: string, questions: readonly AncestryQuestion[]): Promise<AncestryAnswers>;
  /**
   * First pull into a repository that has no refs: transfers everything below heads and tags as `git clone` does
   * and answers what the remote had, its objects now in `path`, no ref written yet.
   */
  fetchAll(path: string, remote: RemoteAccess, options: TransferOptions): Promise<AdvertisedRefs>;
  /**
   * Transfers what these oids need and is not here yet; writes no ref. Objects that lead to `haves`, or to any ref of
   * ours if that is left out, are not asked for again.
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
   * What the activity feed says of these moves, in few and short processes. A move of which nothing can be said any
   * more, because its objects are gone, is not in the answer.
   */
  describeMoves(
    path: string,
    moves: readonly RefMove[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<RefName, MoveFacts>>;
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
   * One stateless exchange with a client; streams both ways. Answers the refs that a push really changed. Rejects
   * when git cannot be started, fails or is aborted.
   */
  servePack(
    path: string,
    service: GitService,
    exchange: GitExchange,
    input: Readable,
    output: Writable,
  ): Promise<readonly PushedRef[]>;
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

/** Where requests may go; the part of the settings that the outbound guard reads. */
export interface OutboundRules extends Pick<InstanceSettings, "allowLocalRequests"> {
  /** Exempt from all checks; nothing when left out. */
  readonly outboundAllowlist?: readonly string[];
  /** Nothing else than what is on the list is spoken to. */
  readonly denyAllRequestsExceptAllowed?: boolean;
  /** The instance's own web address (scheme, host and port), which is always allowed, as in GitLab. */
  readonly ownUrl?: string;
}

export interface Remotes {
  /** Checks scheme, host and every resolved address now; `url-blocked` with GitLab's reason. */
  open(
    url: RemoteUrl,
    credential: RemoteCredential | null,
    rules: OutboundRules & { signal?: AbortSignal },
  ): Promise<RemoteAccess>;
  /** Lists `refs/heads/` and `refs/tags/` in process, over a kept connection; no process is started. */
  listRefs(remote: RemoteAccess, options: TransferOptions): Promise<AdvertisedRefs>;
  /**
   * Pushes over `http(s)://` in process, group by group; what the remote has is asked for once and kept in step with
   * what it accepts. `openPack` is called for each group, unless nothing but deletions is left of it. `onProgress` is
   * told of the bytes of all groups (`Writing objects`).
   */
  openPush(remote: RemoteAccess, openPack: OpenPack, options: TransferOptions): PushGroup;
}

// --- work ------------------------------------------------------------------------------------------------------

/** Keeps repositories quick, however many small writes they take. */
export interface Housekeeping {
  /** Somebody wrote to this project's repository. Returns at once; whatever follows is done in the background. */
  noteWrite(projectId: number): void;
}

/** Work to do now. What must survive is in `MirrorStore`; losing the queue loses nothing. */
export interface UpdateQueue {
  /** Puts an update of this mirror on the queue, unless one is waiting there already. */
  send(mirrorId: number): Promise<void>;
  /** Makes the dispatcher look for wishes and due mirrors no later than `at`. */
  wakeAt(at: Date): void;
  /** Ends the run of this mirror on this node, if there is one, and waits until its processes are gone. */
  cancel(mirrorId: number): Promise<void>;
}
