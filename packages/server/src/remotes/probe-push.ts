import type { Duplex } from "node:stream";
import type { OpenConversation, RemoteAccess } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { hostOf } from "../domain/remote-url.ts";
import { limitBody } from "./body-sinks.ts";
import type { Connector } from "./connector.ts";
import { encodeGitRequest } from "./git-request.ts";
import type { HttpConnections } from "./http-connections.ts";
import type { RemoteLimits } from "./limits.ts";
import { createPktLineDecoder, FLUSH_PKT } from "./pkt-line.ts";
import { createReceivePackReader } from "./receive-pack-advertisement.ts";
import { closedError, isBusy, networkError, refusalError, statusError } from "./remote-errors.ts";
import { type Conversation, mediaType, readPktLines, requestFor, wrongTypeError } from "./smart-http.ts";

const SERVICE = "git-receive-pack";
const GOODBYE_MS = 2_000;
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

/**
 * Tries a push over smart HTTP: the advertisement, and then a request with nothing but a flush, which git itself sends
 * before a large push to have its credentials looked at. Hosts that let anybody read the one refuse the other.
 */
export function createHttpPushProbe({
  connections,
  limits,
  userAgent,
}: {
  connections: HttpConnections;
  limits: RemoteLimits;
  userAgent: string;
}): (conversation: Conversation) => Promise<void> {
  return async (conversation) => {
    const { remote, endpoint, signal } = conversation;
    await connections.exchange(
      requestFor(conversation, `info/refs?service=${SERVICE}`, {
        method: "GET",
        headers: { "user-agent": userAgent, accept: "*/*", pragma: "no-cache" },
      }),
      (head) => {
        if (head.status !== 200) throw statusError(head, remote, endpoint.host);
        const type = mediaType(head.header("content-type"));
        if (type !== `application/x-${SERVICE}-advertisement`) throw wrongTypeError(conversation, type);
        return readPktLines(conversation, createReceivePackReader(limits.refs));
      },
      signal,
    );
    const headers = {
      "user-agent": userAgent,
      "content-type": `application/x-${SERVICE}-request`,
      accept: `application/x-${SERVICE}-result`,
    };
    await connections.exchange(
      requestFor(conversation, SERVICE, { method: "POST", headers, body: Buffer.from(FLUSH_PKT) }),
      (head) => {
        // What a host makes of an empty push is its own affair, unless it says that this user may not push.
        if (REFUSALS.has(head.status) || isBusy(head)) throw statusError(head, remote, endpoint.host);
        return { push: () => undefined, end: () => undefined };
      },
      signal,
    );
  };
}

/** Tries a push over a conversation with the remote's git, whatever carries it; ends with a flush in place of commands. */
export async function probePushOver(
  open: OpenConversation,
  remote: RemoteAccess,
  signal: AbortSignal,
  limits: RemoteLimits,
): Promise<void> {
  const host = hostOf(remote.url);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const cancel = () => reject(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  let stream: Duplex | null = null;
  let hasAnswered = false;
  try {
    signal.throwIfAborted();
    stream = await Promise.race([open(SERVICE, signal), stopped]);
    stream.once("data", () => {
      hasAnswered = true;
    });
    await Promise.race([readAdvertisement(stream, remote, host, limits), stopped]);
    stream.end(FLUSH_PKT);
  } catch (error) {
    throw networkError(error, host, hasAnswered);
  } finally {
    signal.removeEventListener("abort", cancel);
    if (stream) leave(stream);
  }
}

/** What was sent is on its way, and what may be answered is of no interest: the remote has a moment to hang up. */
function leave(stream: Duplex): void {
  stream.on("error", () => undefined);
  if (!stream.writableEnded) {
    stream.destroy();
    return;
  }
  const timer = setTimeout(() => stream.destroy(), GOODBYE_MS);
  stream.once("close", () => clearTimeout(timer));
  stream.once("end", () => stream.destroy());
  stream.resume();
}

function readAdvertisement(
  stream: Duplex,
  remote: RemoteAccess,
  host: string,
  limits: RemoteLimits,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const reader = createReceivePackReader(limits.refs, { hasServiceLine: false });
  const decoder = createPktLineDecoder({
    line: (text) => reader.line(text),
    control: (kind) => {
      reader.control(kind);
      if (reader.result() !== null) resolve();
    },
    refused: (text) => {
      throw refusalError(text, remote, host);
    },
  });
  const end = () => reject(closedError(host));
  const body = limitBody({ push: (chunk) => decoder.push(chunk), end }, limits.answerBytes);
  stream.on("data", (chunk: Buffer) => {
    try {
      body.push(chunk);
    } catch (error) {
      reject(error);
    }
  });
  stream.once("end", end);
  stream.once("close", end);
  stream.once("error", reject);
  return promise;
}

/** Opens a conversation over `git://` about a push. */
export async function connectGit(
  connector: Connector,
  { remote, endpoint, address, signal, stallMs }: Conversation,
  limits: RemoteLimits,
): Promise<Duplex> {
  const { host, port } = endpoint;
  const route = { host, port, address, proxy: remote.proxy };
  const socket = await connector.open(route, { timeoutMs: limits.connectMs, signal });
  socket.setTimeout(stallMs ?? limits.idleMs, () =>
    socket.destroy(new HeliostatError("remote-timeout", `${host} did not answer in time.`)),
  );
  socket.write(encodeGitRequest(remote, SERVICE), "latin1");
  return socket;
}
