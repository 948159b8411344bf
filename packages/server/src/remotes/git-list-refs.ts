import type { Socket } from "node:net";
import { HeliostatError } from "../domain/errors.ts";
import type { ListedRefs } from "./collected-refs.ts";
import type { Connector } from "./connector.ts";
import { encodeGitRequest } from "./git-request.ts";
import type { RemoteLimits } from "./limits.ts";
import { createRefsDialogue } from "./refs-dialogue.ts";
import { networkError } from "./remote-errors.ts";
import type { Conversation } from "./smart-http.ts";

/** Lists refs over `git://`. One connection each: a daemon holds a process for every one that is kept. */
export function createGitListRefs({
  connector,
  limits,
  userAgent,
}: {
  connector: Connector;
  limits: RemoteLimits;
  userAgent: string;
}): (listing: Conversation) => Promise<ListedRefs> {
  return async (listing) => {
    const request = encodeGitRequest(listing.remote, "git-upload-pack");
    const { remote, endpoint, address, signal } = listing;
    const { host, port } = endpoint;
    const socket = await connector.open(
      { host, port, address, proxy: remote.proxy },
      { timeoutMs: limits.connectMs, signal },
    );
    try {
      return await converse(socket, request, listing, { limits, userAgent });
    } catch (error) {
      throw networkError(error, listing.endpoint.host, socket.bytesRead > 0);
    } finally {
      socket.destroy();
    }
  };
}

function converse(
  socket: Socket,
  request: string,
  listing: Conversation,
  options: { limits: RemoteLimits; userAgent: string },
): Promise<ListedRefs> {
  const { endpoint, signal, stallMs } = listing;
  const { limits } = options;
  const { promise, resolve, reject } = Promise.withResolvers<ListedRefs>();
  const dialogue = createRefsDialogue(listing, options, {
    say: (text) => socket.write(text),
    sayGoodbye: (text) => socket.end(text),
  });
  const attempt = (step: () => void) => {
    try {
      step();
    } catch (error) {
      reject(error);
    }
  };
  const timedOut = () => {
    reject(new HeliostatError("remote-timeout", `${endpoint.host} did not answer in time.`));
  };
  const cancel = () => reject(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  socket.setTimeout(stallMs ?? limits.idleMs, timedOut);
  socket.write(request, "latin1");
  socket.on("data", (chunk: Buffer) => {
    attempt(() => dialogue.push(chunk));
    const listed = dialogue.listed();
    if (listed !== null) resolve(listed);
  });
  socket.once("end", () => attempt(dialogue.end));
  socket.once("close", () => attempt(dialogue.end));
  socket.once("error", reject);
  return promise.finally(() => signal.removeEventListener("abort", cancel));
}
