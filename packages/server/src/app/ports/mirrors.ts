import type { AuthMethod, ErrorCode, MirrorDirection, UpdateTrigger } from "@heliostat/contract";
import type { UpdatePlaces } from "../../domain/explain-mirror.ts";
import type { HostTrouble } from "../../domain/host-breaker.ts";
import type {
  ListedUpdate,
  Mirror,
  MirrorOptions,
  MirrorUpdate,
  UpdateLogLine,
  UpdateProgress,
  UpdateState,
} from "../../domain/mirror.ts";
import type { Hindrance } from "../../domain/mirroring-switches.ts";
import type { Oid } from "../../domain/oid.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { RefResult } from "../../domain/refs.ts";
import type { RemoteUrl } from "../../domain/remote-url.ts";
import type { Page, Paged } from "./instance.ts";

/** What a remote is shown, in the clear: kept no longer than one run. */
export interface RemoteCredential {
  readonly username: string;
  /** Or token; empty where a key is shown. */
  readonly password: string;
  /** SSH: the private half of a key pair, in OpenSSH's form. Then no password is tried. */
  readonly privateKey?: string;
}

/** An SSH key pair: the public half as one line, the private half as a PEM text, both in OpenSSH's form. */
export interface SshKeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The secrets that a mirror's remote is opened with, in the clear, and the user name that goes with them. */
export interface MirrorSecret extends Partial<RemoteCredential> {
  /** Of its client certificate, in PEM form. */
  readonly clientKey?: string;
}

/** All that a mirror's remote is opened by, as one moment had it: a secret is never shown but to the URL it is for. */
export interface StoredRemote
  extends Pick<
    Mirror,
    "direction" | "url" | "authMethod" | "knownHosts" | "caCertificates" | "clientCertificate"
  > {
  readonly secret: MirrorSecret;
}

/** Host keys, and who has looked at them; null: nobody has. */
export interface KnownHosts {
  /** Lines in known_hosts form. */
  readonly text: string;
  readonly verifiedBy: number | null;
}

/** A certificate with its key, both in PEM form. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface NewMirror {
  readonly projectId: number;
  readonly direction: MirrorDirection;
  readonly enabled: boolean;
  readonly url: RemoteUrl;
  readonly urlHadUserinfo: boolean;
  readonly authMethod: AuthMethod;
  /** What it is given by itself. */
  readonly credential: Partial<RemoteCredential> & { readonly keyPair?: SshKeyPair };
  /** A named credential. */
  readonly credentialId?: number | null;
  readonly knownHosts?: KnownHosts;
  readonly caCertificates?: string | null;
  readonly clientCertificate?: ClientCertificate | null;
  readonly options: MirrorOptions;
  readonly userId: number;
}

export interface MirrorChanges {
  readonly enabled?: boolean;
  readonly url?: RemoteUrl;
  readonly urlHadUserinfo?: boolean;
  readonly authMethod?: AuthMethod;
  /** Replaces what is given; `null` takes it away. */
  readonly credential?: {
    readonly username?: string | null;
    readonly password?: string | null;
    readonly keyPair?: SshKeyPair | null;
  };
  /** A named credential: it takes the place of the unnamed one, which is forgotten. `null`: none. */
  readonly credentialId?: number | null;
  readonly knownHosts?: KnownHosts;
  readonly caCertificates?: string | null;
  readonly clientCertificate?: ClientCertificate | null;
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

/** Refs of the other side, as an update saw them. */
export interface SeenRefs {
  readonly at: Date;
  /** `equal`: as ours was at that time. What the update does not name is not in it. */
  readonly refs: ReadonlyMap<RefName, Oid | "equal">;
}

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
  /**
   * What the remote is opened by, with those stored secrets opened that its URL and `auth_method` use.
   * `secret-unreadable` when the key of one is lost.
   */
  readRemote(id: number): Promise<StoredRemote>;

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
  /** The updates that run now, of all nodes, with this host and at all; and how many may. */
  readPlaces(host: string): Promise<UpdatePlaces>;
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
  /**
   * At start, when no other node is at work: the leases that are held are a killed server's, so they end as lapsed; the
   * mirrors that it was checking are due again, and nobody probes a host.
   */
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
   * Records the end of a run, with the wish for the next one where it is to be tried again. False, and nothing written,
   * when the lease is no longer ours. One that is superseded is let go of, and nothing but the end of the run recorded.
   */
  finishUpdate(lease: UpdateLease, outcome: FinishedUpdate): Promise<boolean>;
  /** The newest first. */
  listUpdates(mirrorId: number, page: Page): Promise<Paged<ListedUpdate>>;
  findUpdate(mirrorId: number, updateId: number): Promise<MirrorUpdate | null>;
  findNewestUpdate(mirrorId: number): Promise<UpdateState | null>;
  /** What the newest update that came to an end says of these refs; null: there was none. */
  findSeenRefs(mirrorId: number, refs: readonly RefName[]): Promise<SeenRefs | null>;
  /** The first of the updates with a higher id. */
  findUpdateAfter(mirrorId: number, updateId: number): Promise<UpdateState | null>;
  /** Notes how far a running update is, for other nodes to read; nothing when it has ended. */
  recordProgress(updateId: number, progress: UpdateProgress): Promise<void>;
  /** Removes at most `limit` updates that began before; never a mirror's newest. Answers how many it were. */
  removeOldUpdates(before: Date, limit: number): Promise<number>;
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
