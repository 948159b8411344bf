import { connect, type Socket } from "node:net";
import { HeliostatError } from "../domain/errors.ts";
import { limitBody } from "./body-sinks.ts";
import type { ListedRefs } from "./collected-refs.ts";
import type { RemoteLimits } from "./limits.ts";
import { createLsRefsReader, encodeLsRefs } from "./ls-refs.ts";
import { createPktLineDecoder, encodePktLine, FLUSH_PKT } from "./pkt-line.ts";
import { createAdvertisementReader, type PktLineReader } from "./ref-advertisement.ts";
import { closedError, networkError, refusalError } from "./remote-errors.ts";
import type { Conversation } from "./smart-http.ts";

/**
 * Lists refs over `git://`. One connection each: a daemon holds a process for every one that is kept. What the remote
 * answers decides the protocol, since an old daemon ignores the wish for v2.
 */
export function createGitListRefs({
  limits,
  userAgent,
}: {
  limits: RemoteLimits;
  userAgent: string;
}): (listing: Conversation) => Promise<ListedRefs> {
  return async (listing) => {
    const request = encodePktLine(requestOf(listing));
    const socket = connect({ host: listing.address, port: listing.endpoint.port });
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
  { remote, endpoint, signal, stallMs, maxRefs }: Conversation,
  { limits, userAgent }: { limits: RemoteLimits; userAgent: string },
): Promise<ListedRefs> {
  const { promise, resolve, reject } = Promise.withResolvers<ListedRefs>();
  const advertisement = createAdvertisementReader({ hasServiceLine: false, maxRefs });
  let lsRefs: PktLineReader<ListedRefs> | undefined;

  /** After each flush: what comes next, if anything does. */
  function advance(): void {
    const offered = advertisement.result();
    if (lsRefs === undefined && offered?.version === 2) {
      lsRefs = createLsRefsReader(offered.capabilities, maxRefs);
      socket.write(encodeLsRefs(offered.capabilities, userAgent));
      return;
    }
    const listed = offered === null || offered.version === 2 ? lsRefs?.result() : offered.listed;
    if (listed === undefined || listed === null) return;
    // Says goodbye: without it the daemon logs that we hung up.
    socket.end(FLUSH_PKT);
    resolve(listed);
  }

  const decoder = createPktLineDecoder({
    line: (text) => (lsRefs ?? advertisement).line(text),
    control: (kind) => {
      (lsRefs ?? advertisement).control(kind);
      advance();
    },
    refused: (text) => {
      throw refusalError(text, remote, endpoint.host);
    },
  });
  const body = limitBody(
    { push: (chunk) => decoder.push(chunk), end: () => reject(closedError(endpoint.host)) },
    limits.answerBytes,
  );

  const timedOut = () => {
    const what = socket.connecting ? "cannot be reached" : "did not answer";
    reject(new HeliostatError("remote-timeout", `${endpoint.host} ${what} in time.`));
  };
  const cancel = () => reject(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  socket.setTimeout(limits.connectMs, timedOut);
  socket.once("connect", () => {
    socket.setTimeout(stallMs ?? limits.idleMs);
    socket.write(request, "latin1");
  });
  socket.on("data", (chunk: Buffer) => {
    try {
      body.push(chunk);
    } catch (error) {
      reject(error);
    }
  });
  socket.once("end", () => body.end());
  socket.once("close", () => body.end());
  socket.once("error", reject);
  return promise.finally(() => signal.removeEventListener("abort", cancel));
}

/** `git-upload-pack PATH NUL host=HOST NUL NUL version=2 NUL`, as git's own client words it. */
function requestOf({ remote }: Conversation): string {
  const { pathname, host } = new URL(remote.url);
  const path = pathname.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  // The attack: a NUL or newline in the path would add parameters of the URL's choice.
  if (/\p{Cc}/u.test(path.replace(/[\x80-\x9f]/g, "")))
    throw new HeliostatError("url-blocked", "URI is invalid");
  return `git-upload-pack ${path.replace(/^\/(?=~)/, "")}\0host=${host}\0\0version=2\0`;
}
