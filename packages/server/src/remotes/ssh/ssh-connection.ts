import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import type { Client, ClientChannel } from "ssh2";
import type { RemoteCredential } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { SshPublicKey } from "../../domain/ssh-public-key.ts";
import { readStrings } from "../../domain/ssh-wire.ts";
import { loadSsh2 } from "../../load-ssh2.ts";
import { closedError, networkError, quoteText, sshSecretsOf } from "../remote-errors.ts";
import { stoppedBy } from "../stopped-by.ts";
import { describeMismatch, offeredAlgorithms } from "./algorithms.ts";
import { createAuthentication } from "./authenticate.ts";
import { createServerHello, type HandshakeLists } from "./server-hello.ts";

/** What a handshake asks for and whom it believes. */
export interface Handshake {
  /** Signatures of host keys to ask for before others. */
  readonly hostKeyAlgorithms: readonly string[];
  /** Null: the key is good. Anything else ends the handshake. Before this, nothing of ours has been sent. */
  readonly judge: (key: SshPublicKey) => HeliostatError | null;
  /** Ends before anybody signs in; the answer of `openSshConnection` is then closed. */
  readonly stopsAfterKeyExchange?: boolean;
}

/** And who shakes hands with whom. */
interface HandshakeOptions extends Handshake {
  readonly host: string;
  readonly username: string;
  readonly credential: RemoteCredential | null;
  readonly handshakeMs: number;
  readonly signal: AbortSignal;
}

/** A connection that is signed in. */
export interface SshConnection {
  /** Runs a command over a channel of its own. Rejects with errors of ours. */
  run(command: string): Promise<ClientChannel>;
  /** Why it ended; null while it is open. */
  failure(): HeliostatError | null;
  /** Called once when it has ended; the answer takes the listener away. */
  onEnd(listener: () => void): () => void;
  /**
   * Calls back when what was handed to a channel has left for the system, which may take as long as the server likes.
   * `before` is what `bytesSent` was, `bytes` what was handed over since.
   */
  whenSent(before: number, bytes: number, done: () => void): void;
  bytesSent(): number;
  bytesReceived(): number;
  /** What the server offered for the handshake, where it could be read. */
  readonly lists: HandshakeLists | null;
  close(reason?: "remote-timeout"): void;
}

/** Refused by a server that may well take it when fewer channels are open, or over another connection. */
export class ChannelRefused extends Error {}

/** Beyond what channels may hold by the windows that we give, anything unread is an attack on our memory. */
const MAX_UNREAD = 4 * 1024 * 1024;
/** And what we have to say to a server that does not listen: answers to its own requests. */
const MAX_UNSENT = 16 * 1024 * 1024;
/** RFC 4253 has implementations take 32 KiB. With 0 the library would loop for ever. */
const MIN_PACKET = 1024;

/**
 * Speaks SSH over a socket until we are signed in. The order is fixed: lines and lists, key exchange, the host's key is
 * judged, then we show who we are. The socket is ours from here on and destroyed on failure; whatever the server sends
 * then, only the first thing that went wrong is told, by an error of ours.
 */
export async function openSshConnection(socket: Socket, options: HandshakeOptions): Promise<SshConnection> {
  const { host, signal } = options;
  const client: Client = new (loadSsh2().Client)();
  // One for each channel that waits.
  client.setMaxListeners(0);
  socket.setMaxListeners(0);
  const hello = createServerHello(host);
  const channels = new Set<ClientChannel>();
  const listeners = new Set<() => void>();
  const ready = Promise.withResolvers<void>();
  // Settled by hand below; whoever opened it may have gone before.
  ready.promise.catch(() => {});
  let failure: HeliostatError | null = null;
  let phase: "hello" | "key-exchange" | "signing-in" | "open" = "hello";
  /** Of the connection's life; a rekey must show the same. */
  let hostKey: string | null = null;

  function end(error: HeliostatError): void {
    if (failure !== null) return;
    failure = error;
    socket.destroy();
    ready.reject(error);
    for (const listener of listeners) listener();
  }

  const authentication = (() => {
    try {
      return createAuthentication({ host, username: options.username, credential: options.credential }, end);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  })();

  function judgeKey(blob: Buffer): boolean {
    const key = readKeyBlob(blob);
    const digest = createHash("sha256").update(blob).digest("hex");
    if (hostKey !== null && hostKey !== digest) {
      end(
        new HeliostatError(
          "host-key-changed",
          `${host} shows another host key in the middle of a connection.`,
        ),
      );
      return false;
    }
    hostKey = digest;
    const verdict =
      key === null
        ? new HeliostatError("remote-not-ssh", `${host} shows a host key that is none.`)
        : options.judge(key);
    if (verdict === null) return true;
    end(verdict);
    return false;
  }

  /** What the library's error, or the connection's end without one, means by what has happened so far. */
  function describe(error: Error | null): HeliostatError {
    const said = error === null ? "" : wordsOf(error);
    const hungUp = error === null || isDisconnect(error) || isOfSocket(error);
    if (phase === "signing-in" && hungUp) {
      // Servers hang up after too many attempts, some after the first, and some say so.
      const refusal = authentication.refusal();
      if (refusal !== null) return refusal;
    }
    if (phase === "key-exchange") {
      // Who finds it first hangs up, and may be quicker than its own words.
      const lists = hello.lists();
      const mismatch = lists === null ? null : describeMismatch(lists);
      if (mismatch !== null) {
        return new HeliostatError(
          "ssh-algorithms",
          `${host} and this server have ${mismatch}. Update the one that is older.`,
        );
      }
    }
    if (error !== null && isOfSocket(error)) return networkError(error, host, socket.bytesRead > 0);
    if (error === null || isDisconnect(error)) {
      const words = said === "" && phase === "hello" ? hello.lastWords() : said;
      if (phase === "hello" && socket.bytesRead === 0) {
        return new HeliostatError(
          "remote-closed",
          `${host} closed the connection before it said anything. It may have too many, or not let this server in.`,
        );
      }
      const tail = words === "" ? "" : ` It says: ${quoteText(words, sshSecretsOf(options.credential))}`;
      if (phase === "hello" && /MaxStartups|not allowed at this time|too many|limit/i.test(words)) {
        return new HeliostatError("remote-busy", `${host} lets nobody in now.${tail}`);
      }
      if (phase === "hello") {
        return new HeliostatError("remote-not-ssh", `${host} does not speak SSH at this port.${tail}`);
      }
      return tail === ""
        ? closedError(host)
        : new HeliostatError("remote-closed", `${host} closed the connection.${tail}`);
    }
    return new HeliostatError(
      "remote-not-ssh",
      `${host} breaks the rules of SSH: ${quoteText(said, sshSecretsOf(options.credential))}`,
    );
  }

  const timer = setTimeout(() => {
    const what = phase === "hello" ? "does not begin to speak SSH" : "did not finish the SSH handshake";
    end(new HeliostatError("remote-timeout", `${host} ${what} in time.`));
  }, options.handshakeMs);
  const cancel = () => end(stoppedBy(signal));
  signal.addEventListener("abort", cancel, { once: true });

  /** The library believes the server to keep to the windows that it was given; we do not. */
  function watch(chunk: Buffer): void {
    if (failure !== null) return;
    try {
      hello.push(chunk);
    } catch (error) {
      end(error instanceof HeliostatError ? error : describe(null));
      return;
    }
    if (phase === "hello" && hello.hasIdentified()) phase = "key-exchange";
    let unread = 0;
    for (const channel of channels) {
      unread = Math.max(unread, channel.readableLength, channel.stderr.readableLength);
    }
    if (unread > MAX_UNREAD || socket.writableLength > MAX_UNSENT) {
      end(
        new HeliostatError("remote-not-ssh", `${host} breaks the rules of SSH: it sends more than it may.`),
      );
    }
  }

  // For as long as the process lives: an `error` event without a listener would end it.
  client.on("error", (error) => end(describe(error)));
  client.on("close", () => end(describe(null)));
  client.on("end", () => end(describe(null)));
  socket.on("error", () => {});
  client.on("handshake", () => {
    if (phase === "open" || failure !== null) return;
    phase = "signing-in";
    // The key is proved by now, and nothing was asked for yet.
    if (options.stopsAfterKeyExchange) {
      ready.resolve();
      end(new HeliostatError("cancelled", "The host key has been looked at."));
    }
  });
  client.on("change password", () => {
    end(
      new HeliostatError(
        "remote-credential",
        `${host} wants a new password for this user before it lets anybody in.`,
      ),
    );
  });
  client.on("ready", () => {
    phase = "open";
    ready.resolve();
  });

  try {
    signal.throwIfAborted();
    client.connect({
      sock: socket,
      username: options.username,
      algorithms: offeredAlgorithms(options.hostKeyAlgorithms),
      hostVerifier: judgeKey,
      authHandler: authentication.handler,
      ident: "Heliostat",
      // Ours count, and go on counting what the library does not.
      readyTimeout: 0,
      keepaliveInterval: 0,
    });
    // Before the library's own, which is attached later: it must not parse what we refuse.
    socket.on("data", watch);
    await ready.promise;
  } catch (error) {
    end(error instanceof HeliostatError ? error : describe(error instanceof Error ? error : null));
    throw failure ?? error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }

  return {
    lists: hello.lists(),
    failure: () => failure,
    onEnd(listener) {
      if (failure === null) listeners.add(listener);
      else queueMicrotask(listener);
      return () => listeners.delete(listener);
    },
    bytesSent: () => socket.bytesWritten,
    bytesReceived: () => socket.bytesRead,
    whenSent(before, bytes, done) {
      if (failure !== null) return;
      // In the middle of a rekey the library keeps what it is given, however much that is.
      if (socket.bytesWritten - before < bytes) client.once("handshake", () => done());
      else if (socket.writableNeedDrain) socket.once("drain", done);
      else done();
    },
    run(command) {
      const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
      if (failure !== null) return Promise.reject(failure);
      const give = () => reject(failure);
      listeners.add(give);
      try {
        client.exec(command, { env: { GIT_PROTOCOL: "version=2" } }, (error, channel) => {
          if (failure !== null) return reject(failure);
          if (error !== undefined) return reject(new ChannelRefused(wordsOf(error)));
          if (packetSizeOf(channel) < MIN_PACKET) {
            return end(
              new HeliostatError("remote-not-ssh", `${host} breaks the rules of SSH: it takes no data.`),
            );
          }
          channels.add(channel);
          channel.once("close", () => channels.delete(channel));
          resolve(channel);
        });
      } catch (error) {
        end(describe(error instanceof Error ? error : null));
      }
      return promise.finally(() => listeners.delete(give));
    },
    close(reason) {
      end(
        reason === undefined
          ? new HeliostatError("cancelled", "Stopped: the connection was closed.")
          : new HeliostatError(reason, `${host} did not answer in time.`),
      );
    },
  };
}

/** A key by the name in front of its blob; null when it does not begin with a name. */
function readKeyBlob(blob: Buffer): SshPublicKey | null {
  const algorithm = readStrings(blob, 0, 1)?.values[0]?.toString("latin1") ?? "";
  return /^[!-~]{1,64}$/.test(algorithm) ? { algorithm, key: blob.toString("base64") } : null;
}

function packetSizeOf({ outgoing }: ClientChannel): number {
  const size =
    typeof outgoing === "object" && outgoing !== null && "packetSize" in outgoing ? outgoing.packetSize : 0;
  return typeof size === "number" ? size : 0;
}

function isOfSocket(error: Error): boolean {
  return "level" in error && error.level === "client-socket";
}

/** The server said goodbye, with a reason's number; or hung up before it said anything. */
function isDisconnect(error: Error): boolean {
  return (
    ("code" in error && typeof error.code === "number") ||
    error.message === "Connection lost before handshake"
  );
}

function wordsOf(error: Error): string {
  return error.message === "Connection lost before handshake" ? "" : error.message;
}
