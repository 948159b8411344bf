import type { FsckSeverity } from "@heliostat/contract";
import type { TokenKind } from "../../domain/token-prefixes.ts";

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
  /** Where Git over SSH is spoken; null: nowhere. */
  readonly sshPort: number | null;
  /** A fresh secret for a token: long, random, URL-safe, with a beginning that says what it is (`personal` unless told). */
  readonly makeTokenSecret: (kind?: TokenKind) => string;
  /** Between 0 and 1: jitter. */
  readonly random: () => number;
  /** The parts that must work before the instance is ready, by name; each rejects when its part does not. */
  readonly readinessProbes: Readonly<Record<string, () => Promise<void>>>;
}

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
  /** How long the audit log keeps its events; 0: for ever, as GitLab does. */
  readonly auditEventRetentionDays: number;
  /** Bytes that a repository may take on disk; 0: no limit. */
  readonly repositorySizeLimit: number;
  /** Refs that a project may have. */
  readonly maxRefs: number;
  /** What incoming objects are checked for. */
  readonly fsckSeverity: FsckSeverity;
  /** Who signs in by password must have a second factor. */
  readonly requiresSecondFactor: boolean;
  /** More changes of a kind than this in one push make one event for all. */
  readonly pushEventActivitiesLimit: number;
  readonly pushEventHooksLimit: number;
  readonly gitPushPipelineLimit: number;
  /** Hosts, addresses and ranges that are exempt from the checks of the outbound guard. */
  readonly outboundAllowlist: readonly string[];
  readonly denyAllRequestsExceptAllowed: boolean;
  readonly dnsRebindingProtectionEnabled: boolean;
  /** Minutes that a session may go unused before it ends. */
  readonly sessionExpireDelay: number;
  /** How many requests the API takes in a period: of an address without a good token, and of a user. */
  readonly throttleUnauthenticatedApiEnabled: boolean;
  readonly throttleUnauthenticatedApiRequestsPerPeriod: number;
  readonly throttleUnauthenticatedApiPeriodInSeconds: number;
  readonly throttleAuthenticatedApiEnabled: boolean;
  readonly throttleAuthenticatedApiRequestsPerPeriod: number;
  readonly throttleAuthenticatedApiPeriodInSeconds: number;
  /** What becomes of the default branch of a new project, by GitLab's number: 0 to 4. */
  readonly defaultBranchProtection: number;
  /** Bytes that a file, and a push, of a client may have; 0: no limit. */
  readonly maxFileSize: number;
  readonly maxPushSize: number;
}

export interface InstanceSettingsStore {
  read(): Promise<InstanceSettings>;
  write(changes: Partial<InstanceSettings>): Promise<InstanceSettings>;
}

/** Offset paging as GitLab's API has it: `page` from 1, `perPage` 1–100. */
export interface Page {
  readonly page: number;
  readonly perPage: number;
}

/** So many rows of a sorted list behind the one that the cursor was given out with; null: from the start. */
export interface Behind {
  readonly cursor: string | null;
  readonly perPage: number;
}

export type Window = Page | Behind;

/** A part of a list that may be very long. */
export interface Part<T> {
  readonly items: readonly T[];
  /** Null where nobody counted, or there are more than are counted. */
  readonly total: number | null;
  /** The cursor for what comes behind; null: nothing. */
  readonly next: string | null;
}

export interface Paged<T> {
  readonly items: readonly T[];
  readonly total: number;
}

/** Work that nobody waits for. */
export interface Background {
  /**
   * Does it soon, after what was given before; a failure is logged and goes nowhere else. It is lost if the process
   * dies first. The signal ends it when a shutdown has waited long enough.
   */
  run(what: string, work: (signal: AbortSignal) => Promise<void>): void;
}
