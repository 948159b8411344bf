import type { Duplex, Readable } from "node:stream";
import type { HeliostatError } from "../../domain/errors.ts";
import type { IncomingLimits } from "../../domain/incoming-limits.ts";
import type { UpdateProgress } from "../../domain/mirror.ts";
import type { Oid } from "../../domain/oid.ts";
import type { RemoteUrl } from "../../domain/remote-url.ts";
import type { RemoteCredential } from "./mirrors.ts";

/** The service of git that a conversation is with. */
export type RemoteService = "git-upload-pack" | "git-receive-pack";

/** By what a remote is known, and what else shows it who we are; for one run. What is left out is not asked for. */
export interface RemoteTrust {
  /** Text in known_hosts form. An `ssh://` remote must show one of these keys before anything is sent. */
  readonly knownHosts?: string;
  /** Certificates in PEM form that are trusted for this remote beside those of the instance. */
  readonly caCertificates?: string;
  /** Both in PEM form. */
  readonly clientCertificate?: { readonly certificate: string; readonly privateKey: string };
  /** Whatever certificate is shown is good enough. Never for a repository. */
  readonly isUnverified?: boolean;
}

/** Opens a conversation with the remote's git. The signal ends it. */
export type OpenConversation = (service: RemoteService, signal: AbortSignal) => Promise<Duplex>;

/**
 * A way to one remote that leads through this process, for a git that cannot go there itself: through our proxies,
 * and with our certificates. A SOCKS5 proxy on this machine, for whoever knows its password, and to no other place.
 */
export interface Tunnel {
  /** `socks5h://user:password@127.0.0.1:port`. */
  readonly proxy: string;
  /** The remote's URL as git is to speak it: without TLS, which is added at the other end. */
  readonly url: string;
  /** Why a connection through it did not come about, or ended: git hears nothing but that it did. */
  failure(): HeliostatError | null;
  close(): void;
}

/** A remote that was checked and may be spoken to, for one run. Made by `Remotes.open` only. */
export interface RemoteAccess {
  readonly url: RemoteUrl;
  readonly credential: RemoteCredential | null;
  /**
   * The address that was checked; connections go there and nowhere else. Null for a local path (CLI only), and where a
   * proxy looks the name up.
   */
  readonly address: string | null;
  readonly trust?: RemoteTrust;
  /** The proxy to go through, credentials inside: `http://…`, `https://…`, `socks5://…` or `socks5h://…`. */
  readonly proxy?: string;
  /** For `http(s)://`, where git cannot get there by itself as we do. The signal ends it. */
  readonly openTunnel?: (signal: AbortSignal) => Promise<Tunnel>;
  /**
   * For `ssh://`, which git does not speak here: a stream that carries git's protocol both ways, over a connection that
   * is authenticated and whose host key matched. Rejects, and the stream fails, with a HeliostatError.
   */
  readonly converse?: OpenConversation;
}

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: UpdateProgress) => void;
  /** Longest time without a byte; the adapter's own when left out. */
  readonly stallTimeoutMs?: number;
}

/** What may come in. */
export interface Admission {
  readonly limits: IncomingLimits;
  /** Bytes that the repository may still grow by; null: any number. */
  readonly room: number | null;
}

export interface ReceiveOptions extends TransferOptions {
  /** Anything, unless told. */
  readonly admission?: Admission;
}

export interface ListOptions extends TransferOptions {
  /** Branches and tags that the list may have, where it is more than what the adapter reads in any case. */
  readonly maxRefs?: number;
}

export interface FetchOptions extends ReceiveOptions {
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
