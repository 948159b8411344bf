import type { Log } from "../app/ports.ts";
import type { UseCases } from "../app/use-cases.ts";
import { FETCH_PACE_MS, PUSH_PACE_MS } from "../git-pace.ts";

/** Limits of the door, for requests of clients that mean harm or are broken. */
export interface HttpLimits {
  readonly apiBodyBytes: number;
  readonly apiBodyTimeoutMs: number;
  /** Of what other forges tell: a push of two thousand commits, each with its message and the names of its files. */
  readonly hookBodyBytes: number;
  /** From the first byte of a connection or a request to the end of its header. */
  readonly headersTimeoutMs: number;
  /** A git exchange in which no byte goes either way for this long is over; git itself says something every 5 s. */
  readonly gitIdleTimeoutMs: number;
  /** How long a client of git may take for the next 64 KiB of an answer, and of what it asks to fetch. */
  readonly gitFetchPaceMs: number;
  /** And for those of a push: it may have to compress what it sends. */
  readonly gitPushPaceMs: number;
  /** What a fetch may ask, decompressed: 64 MiB is over a million wanted and known commits. */
  readonly fetchRequestBytes: number;
  /** How long a client may go on sending a body that nobody reads, once it has its answer; and how much of it is taken. */
  readonly unreadBodyMs: number;
  readonly unreadBodyBytes: number;
  /** How long a closing server waits for what is under way. */
  readonly drainTimeoutMs: number;
}

/** The limits in production; tests set tighter ones. */
export const HTTP_LIMITS: HttpLimits = {
  apiBodyBytes: 1024 * 1024,
  apiBodyTimeoutMs: 30_000,
  hookBodyBytes: 4 * 1024 * 1024,
  headersTimeoutMs: 20_000,
  gitIdleTimeoutMs: 600_000,
  gitFetchPaceMs: FETCH_PACE_MS,
  gitPushPaceMs: PUSH_PACE_MS,
  fetchRequestBytes: 64 * 1024 * 1024,
  unreadBodyMs: 5_000,
  unreadBodyBytes: 1024 * 1024,
  drainTimeoutMs: 25_000,
};

/** What every part of the HTTP layer gets. */
export interface HttpDoor {
  readonly useCases: UseCases;
  readonly log: Log;
  /** Without a slash at the end. */
  readonly externalUrl: string;
  readonly limits: HttpLimits;
  /** Fires when the server begins to close: streams without an end must end. */
  readonly closing: AbortSignal;
}
