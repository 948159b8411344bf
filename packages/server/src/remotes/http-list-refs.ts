import { HeliostatError } from "../domain/errors.ts";
import type { ListedRefs } from "./collected-refs.ts";
import { createDumbRefsReader, type DumbRefs, readDumbHead } from "./dumb-refs.ts";
import type { BodyReader, HttpConnections, ReadHead } from "./http-connections.ts";
import type { RemoteLimits } from "./limits.ts";
import { createLsRefsReader, encodeLsRefs } from "./ls-refs.ts";
import { createMemory } from "./memory.ts";
import { type Advertisement, type Capabilities, createAdvertisementReader } from "./ref-advertisement.ts";
import { isBusy, statusError } from "./remote-errors.ts";
import { type Conversation, mediaType, readPktLines, requestFor, wrongTypeError } from "./smart-http.ts";

const SERVICE = "git-upload-pack";
const MAX_REMOTES = 50_000;
/** A `HEAD` file is one short line. */
const MAX_HEAD_BYTES = 4096;

/**
 * Lists refs over smart HTTP in protocol v2, v1 or v0, or over dumb HTTP, whatever the remote speaks. What a v2
 * remote can do is remembered for a while, so that the next listing is one POST; should that fail in any way that the
 * full handshake might explain or mend (an upgraded server, a moved repository), the handshake is made.
 */
export function createHttpListRefs({
  connections,
  limits,
  userAgent,
}: {
  connections: HttpConnections;
  limits: RemoteLimits;
  userAgent: string;
}): (listing: Conversation) => Promise<ListedRefs> {
  const known = createMemory<Capabilities>(limits.capabilitiesMs, MAX_REMOTES);

  const common = { "user-agent": userAgent, "git-protocol": "version=2" };

  function get<T>(listing: Conversation, file: string, readHead: ReadHead<T>): Promise<T> {
    const headers = { ...common, accept: "*/*", pragma: "no-cache" };
    return connections.exchange(
      requestFor(listing, file, { method: "GET", headers }),
      readHead,
      listing.signal,
    );
  }

  function lsRefs(listing: Conversation, capabilities: Capabilities): Promise<ListedRefs> {
    const headers = {
      ...common,
      "content-type": `application/x-${SERVICE}-request`,
      accept: `application/x-${SERVICE}-result`,
    };
    const body = encodeLsRefs(capabilities, userAgent);
    return connections.exchange(
      requestFor(listing, SERVICE, { method: "POST", headers, body }),
      (head) => {
        if (head.status !== 200) throw statusError(head, listing.remote, listing.endpoint.host);
        if (mediaType(head.header("content-type")) !== `application/x-${SERVICE}-result`)
          throw wrongTypeError(listing, "");
        return readPktLines(listing, createLsRefsReader(capabilities, listing.maxRefs));
      },
      listing.signal,
    );
  }

  function handshake(listing: Conversation): Promise<Advertisement | DumbRefs> {
    return get<Advertisement | DumbRefs>(listing, `info/refs?service=${SERVICE}`, (head) => {
      if (head.status !== 200) throw statusError(head, listing.remote, listing.endpoint.host);
      const type = mediaType(head.header("content-type"));
      if (type === `application/x-${SERVICE}-advertisement`) {
        return readPktLines(
          listing,
          createAdvertisementReader({ hasServiceLine: true, maxRefs: listing.maxRefs }),
        );
      }
      if (type === "text/html" || type === "application/xhtml+xml") throw wrongTypeError(listing, type);
      return createDumbRefsReader(listing.maxRefs, () => wrongTypeError(listing, ""));
    });
  }

  async function listDumb(listing: Conversation, dumb: DumbRefs): Promise<ListedRefs> {
    const text = await get(listing, "HEAD", (head) => {
      if (isBusy(head)) throw statusError(head, listing.remote, listing.endpoint.host);
      if (head.status !== 200) throw wrongTypeError(listing, "");
      return readText(MAX_HEAD_BYTES, () => wrongTypeError(listing, ""));
    });
    const head = readDumbHead(text);
    // A server that answers 200 and nothing to everything must not pass for an empty repository, whose branches would
    // then be deleted elsewhere. With refs, a useless HEAD does no harm: git http-backend has none that is unborn.
    if (head === null && dumb.isEmpty) throw wrongTypeError(listing, "");
    return dumb.finish(head === null || head === "detached" ? null : head.target);
  }

  return async (listing) => {
    const key = listing.remote.url;
    const capabilities = known.get(key);
    if (capabilities !== undefined) {
      try {
        return await lsRefs(listing, capabilities);
      } catch (error) {
        known.delete(key);
        if (!(error instanceof HeliostatError) || (error.kind !== "remote" && error.kind !== "credential"))
          throw error;
      }
    }
    const answer = await handshake(listing);
    if ("finish" in answer) return listDumb(listing, answer);
    if (answer.version !== 2) return answer.listed;
    const listed = await lsRefs(listing, answer.capabilities);
    known.set(key, answer.capabilities);
    return listed;
  };
}

function readText(maxBytes: number, refuse: () => HeliostatError): BodyReader<string> {
  let text = "";
  return {
    push(chunk) {
      text += chunk.toString("latin1");
      if (text.length > maxBytes) throw refuse();
    },
    end: () => text,
  };
}
