import type { RemoteAccess } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { ListedRefs } from "./collected-refs.ts";
import { createDumbRefsReader, type DumbRefs, readDumbHead } from "./dumb-refs.ts";
import type { Endpoint } from "./guard.ts";
import type { BodyReader, HttpConnections, ReadHead } from "./http-connections.ts";
import type { RemoteLimits } from "./limits.ts";
import { createLsRefsReader, encodeLsRefs } from "./ls-refs.ts";
import { createMemory } from "./memory.ts";
import { createPktLineDecoder } from "./pkt-line.ts";
import {
  type Advertisement,
  type Capabilities,
  createAdvertisementReader,
  type PktLineReader,
} from "./ref-advertisement.ts";
import { closedError, refusalError, statusError, userinfoOf } from "./remote-errors.ts";

/** A remote and the connection that leads to it, for one listing. */
export interface Listing {
  readonly remote: RemoteAccess;
  readonly endpoint: Endpoint;
  readonly address: string;
  /** Its reason is a HeliostatError. */
  readonly signal: AbortSignal;
}

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
}): (listing: Listing) => Promise<ListedRefs> {
  const known = createMemory<Capabilities>(limits.capabilitiesMs, MAX_REMOTES);

  function get<T>(listing: Listing, file: string, readHead: ReadHead<T>): Promise<T> {
    const { origin } = new URL(listing.remote.url);
    const headers = { ...commonHeaders(listing.remote, userAgent), accept: "*/*", pragma: "no-cache" };
    const { address, endpoint } = listing;
    return connections.exchange(
      {
        origin,
        host: endpoint.host,
        address,
        method: "GET",
        path: pathOf(listing, file),
        headers,
      },
      readHead,
      listing.signal,
    );
  }

  function lsRefs(listing: Listing, capabilities: Capabilities): Promise<ListedRefs> {
    const { remote, endpoint, address, signal } = listing;
    const headers = {
      ...commonHeaders(remote, userAgent),
      "content-type": `application/x-${SERVICE}-request`,
      accept: `application/x-${SERVICE}-result`,
    };
    return connections.exchange(
      {
        origin: new URL(remote.url).origin,
        host: endpoint.host,
        address,
        method: "POST",
        path: pathOf(listing, SERVICE),
        headers,
        body: encodeLsRefs(capabilities, userAgent),
      },
      (head) => {
        if (head.status !== 200) throw statusError(head, remote, endpoint.host);
        if (mediaType(head.header("content-type")) !== `application/x-${SERVICE}-result`)
          throw notGit(listing);
        return readPktLines(listing, createLsRefsReader(capabilities, limits.refs));
      },
      signal,
    );
  }

  function handshake(listing: Listing): Promise<Advertisement | DumbRefs> {
    return get<Advertisement | DumbRefs>(listing, `info/refs?service=${SERVICE}`, (head) => {
      if (head.status !== 200) throw statusError(head, listing.remote, listing.endpoint.host);
      const type = mediaType(head.header("content-type"));
      if (type === `application/x-${SERVICE}-advertisement`) {
        return readPktLines(
          listing,
          createAdvertisementReader({ hasServiceLine: true, maxRefs: limits.refs }),
        );
      }
      if (type === "text/html" || type === "application/xhtml+xml") throw webPage(listing);
      return createDumbRefsReader(limits.refs, () => notGit(listing));
    });
  }

  async function listDumb(listing: Listing, dumb: DumbRefs): Promise<ListedRefs> {
    const text = await get(listing, "HEAD", ({ status }) => {
      if (status !== 200) throw notGit(listing);
      return readText(MAX_HEAD_BYTES, () => notGit(listing));
    });
    const head = readDumbHead(text);
    // A server that answers 200 and nothing to everything must not pass for an empty repository, whose branches would
    // then be deleted elsewhere. With refs, a useless HEAD does no harm: git http-backend has none that is unborn.
    if (head === null && dumb.isEmpty) throw notGit(listing);
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

/** Credentials go with the first request: a challenge would cost a round trip for each check. */
function commonHeaders({ credential }: RemoteAccess, userAgent: string): Readonly<Record<string, string>> {
  const headers = { "user-agent": userAgent, "accept-encoding": "gzip", "git-protocol": "version=2" };
  if (credential === null) return headers;
  return { ...headers, authorization: `Basic ${Buffer.from(userinfoOf(credential)).toString("base64")}` };
}

/** The path of a file of the repository. Like git, appends to a query too, for hosts that name the repository there. */
function pathOf({ remote }: Listing, file: string): string {
  const { pathname, search } = new URL(remote.url);
  return `${(pathname + search).replace(/\/+$/, "")}/${search === "" ? file : file.replace("?", "&")}`;
}

function mediaType(header: string | undefined): string {
  return header?.split(";")[0]?.trim().toLowerCase() ?? "";
}

function readPktLines<T>({ remote, endpoint }: Listing, reader: PktLineReader<T>): BodyReader<T> {
  let isEmpty = true;
  const decoder = createPktLineDecoder({
    line: (text) => reader.line(text),
    control: (kind) => reader.control(kind),
    refused: (text) => {
      throw refusalError(text, remote, endpoint.host);
    },
  });
  return {
    push(chunk) {
      isEmpty = false;
      decoder.push(chunk);
    },
    end() {
      const result = reader.result();
      if (result !== null && decoder.isAtBoundary()) return result;
      if (isEmpty) throw new HeliostatError("remote-not-git", `${endpoint.host} answered nothing at all.`);
      throw closedError(endpoint.host);
    },
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

function notGit({ endpoint }: Listing): HeliostatError {
  return new HeliostatError(
    "remote-not-git",
    `${endpoint.host} answered something that is no Git repository.`,
  );
}

function webPage({ endpoint }: Listing): HeliostatError {
  return new HeliostatError(
    "remote-not-git",
    `${endpoint.host} answered with a web page: use the URL that the host offers for git clone.`,
  );
}
