import type { Log } from "../app/ports.ts";
import type { UseCases } from "../app/use-cases.ts";
import { FETCH_PACE_MS, PUSH_PACE_MS } from "../git-pace.ts";

/** Limits of the door, for clients that mean harm or are broken. */
export interface SshLimits {
  /** From the first byte of a connection until somebody has shown who they are. */
  readonly signInMs: number;
  /** Keys that a client may try in vain; OpenSSH's own limit. */
  readonly keyTries: number;
  /** Connections in all, of one address, and of those that have not signed in yet in all and of one address. */
  readonly connections: number;
  readonly connectionsOfAddress: number;
  readonly strangers: number;
  readonly strangersOfAddress: number;
  /** Commands at the same time over one connection; OpenSSH's own limit. */
  readonly sessions: number;
  /** A connection over which nothing is asked for so long is closed. */
  readonly unusedMs: number;
  /** A client that says nothing for so long is asked for a sign of life, and given up after three times in vain. */
  readonly keepaliveMs: number;
  /** How long a client may take for the next 64 KiB of an answer. */
  readonly gitFetchPaceMs: number;
  /**
   * And until it has sent as much, where git has nothing to say to it: a fetch asks in turns, and its client may have to
   * look something up between them; one that pushes may have to compress.
   */
  readonly gitPushPaceMs: number;
  /** How long a closing door waits for what is under way. */
  readonly drainMs: number;
}

/** The limits in production; tests set tighter ones. */
export const SSH_LIMITS: SshLimits = {
  signInMs: 30_000,
  keyTries: 6,
  connections: 1024,
  connectionsOfAddress: 256,
  strangers: 512,
  strangersOfAddress: 256,
  sessions: 10,
  unusedMs: 300_000,
  keepaliveMs: 30_000,
  gitFetchPaceMs: FETCH_PACE_MS,
  gitPushPaceMs: PUSH_PACE_MS,
  drainMs: 25_000,
};

/** After so many signs of life asked for in vain the client is gone. */
export const KEEPALIVES_IN_VAIN = 3;

/** What every part of the SSH door gets. */
export interface SshDoor {
  readonly useCases: Pick<UseCases, "authenticateSshKey" | "noteSshKeyUse" | "openRepository">;
  readonly log: Log;
  readonly limits: SshLimits;
}
