import type { Readable } from "node:stream";
import type { UpdateProgress } from "../../domain/mirror.ts";
import type { Oid } from "../../domain/oid.ts";
import type { RemoteUrl } from "../../domain/remote-url.ts";
import type { RemoteCredential } from "./mirrors.ts";

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

/** Begins to make a pack; the signal ends it. */
export type OpenPack = (request: PackRequest, signal: AbortSignal) => Promise<Pack>;
