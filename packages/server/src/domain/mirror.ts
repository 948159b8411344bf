import type {
  AuthMethod,
  ErrorCode,
  MirrorDeletions,
  MirrorDirection,
  RefOutcome,
  SecretKind,
  UpdateStatus,
  UpdateTrigger,
} from "@heliostat/contract";
import type { HookState } from "./hook-state.ts";
import type { RefName } from "./ref-name.ts";
import type { RefResult } from "./refs.ts";
import type { RemoteUrl } from "./remote-url.ts";

/** The options of both directions; each direction reads its own (`gitlab-behaviour` sections 1.1 and 2.1). */
export interface MirrorOptions {
  readonly onlyProtectedBranches: boolean;
  readonly branchRegex: string | null;
  /** Push: leave downstream refs alone that have diverged, and report them. */
  readonly keepDivergentRefs: boolean;
  /** Pull: overwrite our branches that have diverged from upstream. */
  readonly overwritesDivergedBranches: boolean;
  readonly triggerBuilds: boolean;
  /** `all`, `none`, or an RE2 regex that a tag's short name must match in any part. */
  readonly tags: string;
  /** Refs that the source no longer has: as GitLab does, left alone, or deleted. */
  readonly deletions: MirrorDeletions;
  /** Pull: our HEAD follows upstream's. */
  readonly followDefaultBranch: boolean;
  /** Pull: seconds between two looks at the remote; null: as the instance says. */
  readonly intervalSeconds: number | null;
  /** Pull: the interval is half the time since the last change, within the bounds of the instance. */
  readonly adaptiveInterval: boolean;
}

/** What a mirror does that nobody has said more of: GitLab's defaults, and ours off. */
export const DEFAULT_MIRROR_OPTIONS: MirrorOptions = {
  onlyProtectedBranches: false,
  branchRegex: null,
  keepDivergentRefs: false,
  overwritesDivergedBranches: false,
  triggerBuilds: false,
  tags: "all",
  deletions: "default",
  followDefaultBranch: false,
  intervalSeconds: null,
  adaptiveInterval: false,
};

/** Whether all options are equal. */
export function areSameOptions(a: MirrorOptions, b: MirrorOptions): boolean {
  return (Object.keys(a) as (keyof MirrorOptions)[]).every((option) => a[option] === b[option]);
}

/** A stored secret, and the id of the key that sealed it. */
export interface SealedSecret {
  readonly kind: SecretKind;
  readonly keyId: string;
}

/** One relation of a project to one remote. The secret is not in here: `MirrorStore.readRemote` opens it. */
export interface Mirror {
  readonly id: number;
  readonly projectId: number;
  readonly direction: MirrorDirection;
  readonly enabled: boolean;
  /** Without user name and password. */
  readonly url: RemoteUrl;
  readonly authMethod: AuthMethod;
  readonly username: string | null;
  readonly hasPassword: boolean;
  /** Of its key pair, in OpenSSH's form; null: it has none. */
  readonly publicKey: string | null;
  /** The named credential that it uses; null: it has its own, or none. */
  readonly credential: { readonly id: number; readonly name: string } | null;
  /** As the credential's owner says it; null: not known. */
  readonly credentialExpiresAt: Date | null;
  /**
   * Those of its secrets that its URL and `auth_method` use, and its hook secret, with the keys of the secrets file that
   * sealed them.
   */
  readonly sealedSecrets: readonly SealedSecret[];
  /** Lines in known_hosts form: what an SSH server must show. */
  readonly knownHosts: string;
  readonly hostKeysVerifiedAt: Date | null;
  readonly hostKeysVerifiedBy: number | null;
  /** In PEM form, as `clientCertificate`, whose key is a secret. */
  readonly caCertificates: string | null;
  readonly clientCertificate: string | null;
  /** Whether the credentials came inside the URL: then answers show it with masked userinfo. */
  readonly urlHadUserinfo: boolean;
  readonly options: MirrorOptions;
  readonly userId: number | null;
  readonly updateStatus: UpdateStatus;
  readonly lastError: string | null;
  /** What kind of trouble the last error was; null where it is not one error, and where there is none. */
  readonly lastErrorCode: ErrorCode | null;
  readonly lastUpdateAt: Date | null;
  readonly lastUpdateStartedAt: Date | null;
  readonly lastSuccessfulUpdateAt: Date | null;
  readonly retryCount: number;
  readonly nextCheckAt: Date | null;
  /** From when on an update is wanted; null: nobody waits for one. */
  readonly requestedAt: Date | null;
  /**
   * Digest of the remote's wanted refs after the last update that left nothing to be done but what a person must
   * decide; null: there was none.
   */
  readonly appliedDigest: string | null;
  /** `Project.refsGeneration` that this update saw. */
  readonly appliedGeneration: number | null;
  /** It failed only for refs that a person must decide about: it stays failed while nothing changes. */
  readonly holdsRefs: boolean;
  /** When an update last changed a ref; null: never. */
  readonly lastChangedAt: Date | null;
  /** What people were last told of it by mail. */
  readonly toldHealth: MirrorHealth;
  readonly hook: HookState;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const CHANGES: ReadonlySet<RefOutcome> = new Set(["created", "fast-forward", "forced", "deleted"]);

/** Whether a ref with this outcome has another value than before. */
export function changesRef(outcome: RefOutcome): boolean {
  return CHANGES.has(outcome);
}

/** One run of a mirror, as recorded. */
export interface MirrorUpdate {
  readonly id: number;
  readonly mirrorId: number;
  readonly trigger: UpdateTrigger;
  readonly status: "started" | "finished" | "failed" | "cancelled";
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly error: string | null;
  /** Refs that changed, or should have: at most `MAX_NAMED_RESULTS`, those that were left behind before others. */
  readonly results: readonly RefResult[];
  /** Sentences for the person who reads it, such as that no branch matches the filter. */
  readonly notes: readonly string[];
  /** Who asked for it; null: nobody did, or they are gone. */
  readonly userId: number | null;
  /** All refs by outcome, whether or not they are named. */
  readonly counts: OutcomeCounts;
  /** Refs that were equal on both sides, and that the filter left out: at most `MAX_NAMED_UNTOUCHED` names each. */
  readonly upToDate: readonly RefName[];
  readonly skipped: readonly RefName[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly log: readonly UpdateLogLine[];
}

/** A run as lists show it: of `results`, the first `MAX_LISTED_RESULTS`. */
export type ListedUpdate = Omit<MirrorUpdate, "upToDate" | "skipped" | "log">;

/** How a run stands, without its refs. */
export interface UpdateState
  extends Pick<
    MirrorUpdate,
    "id" | "mirrorId" | "trigger" | "status" | "startedAt" | "finishedAt" | "error" | "counts"
  > {
  /** While it runs, once there is something to say. */
  readonly progress: UpdateProgress | null;
  /** It was interrupted, and another one goes on where it ended. */
  readonly isTakenUp: boolean;
}

/** As many refs of each update as a list of updates names. */
export const MAX_LISTED_RESULTS = 100;

/** As many refs without a change as an update names; `counts` has them all. */
export const MAX_NAMED_UNTOUCHED = 1000;

/** Outcome → number of refs; what is not in it is 0. */
export type OutcomeCounts = Partial<Record<RefOutcome, number>>;

/** What an update was doing, and when (ISO 8601). */
export interface UpdateLogLine {
  readonly at: string;
  readonly text: string;
}

/** How far a running update is. */
export interface UpdateProgress {
  /** Git's own word where git says it: `Receiving objects`, `Resolving deltas`, `Writing objects`. */
  readonly phase: string;
  readonly done: number;
  /** Null while it is only counted. */
  readonly total: number | null;
  /** Bytes of the pack so far, and a second; null while none flow. */
  readonly bytes: number | null;
  readonly bytesPerSecond: number | null;
}

/** What people are told of a mirror: changes of this, and nothing else, are worth a mail. */
export type MirrorHealth = "good" | "failed" | "paused";
