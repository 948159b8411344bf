import type { AuthMethod, MirrorDirection, UpdateStatus, UpdateTrigger } from "@heliostat/contract";
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
}

export const DEFAULT_MIRROR_OPTIONS: MirrorOptions = {
  onlyProtectedBranches: false,
  branchRegex: null,
  keepDivergentRefs: false,
  overwritesDivergedBranches: false,
  triggerBuilds: false,
};

export function areSameOptions(a: MirrorOptions, b: MirrorOptions): boolean {
  return (Object.keys(a) as (keyof MirrorOptions)[]).every((option) => a[option] === b[option]);
}

/** One relation of a project to one remote. The secret is not in here: `MirrorStore.readSecret` opens it. */
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
  /** Whether the credentials came inside the URL: then answers show it with masked userinfo. */
  readonly urlHadUserinfo: boolean;
  readonly options: MirrorOptions;
  readonly userId: number | null;
  readonly updateStatus: UpdateStatus;
  readonly lastError: string | null;
  readonly lastUpdateAt: Date | null;
  readonly lastUpdateStartedAt: Date | null;
  readonly lastSuccessfulUpdateAt: Date | null;
  readonly retryCount: number;
  readonly nextCheckAt: Date | null;
  /** Digest of the remote's wanted refs after the last good update; null: never in step. */
  readonly appliedDigest: string | null;
  /** `Project.refsGeneration` that the last good update saw. */
  readonly appliedGeneration: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
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
  readonly results: readonly RefResult[];
  /** Sentences for the person who reads it, such as that no branch matches the filter. */
  readonly notes: readonly string[];
}
