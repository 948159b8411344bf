import type { RemoteAccess } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { Endpoint } from "./guard.ts";
import type { BodyReader, HttpRequest } from "./http-connections.ts";
import type { RemoteLimits } from "./limits.ts";
import { createPktLineDecoder } from "./pkt-line.ts";
import type { PktLineReader } from "./ref-advertisement.ts";
import { closedError, refusalError, userinfoOf } from "./remote-errors.ts";
import { withTimeLimit } from "./time-limit.ts";

/** A remote, the address that leads to it, and what ends talking to it. */
export interface Conversation {
  readonly remote: RemoteAccess;
  readonly endpoint: Endpoint;
  /** Null: the remote's proxy looks the host up. */
  readonly address: string | null;
  /** Its reason is a HeliostatError. */
  readonly signal: AbortSignal;
  /** The longest time without a byte, in milliseconds, where the caller has set one. */
  readonly stallMs: number | undefined;
  /** Branches and tags that are read. */
  readonly maxRefs: number;
}

/** Runs a listing within the time that one may take. */
export function withListingLimit<T>(
  conversation: Conversation,
  { totalMs }: RemoteLimits,
  list: (limited: Conversation) => Promise<T>,
): Promise<T> {
  const { signal } = conversation;
  return withTimeLimit({ ms: totalMs, signal, what: "listing the remote's refs" }, (both) =>
    list({ ...conversation, signal: both }),
  );
}

/**
 * A request for a file of the repository. Credentials go with the first one: a challenge would cost a round trip each
 * time.
 */
export function requestFor(
  conversation: Conversation,
  file: string,
  request: Omit<HttpRequest, "origin" | "host" | "port" | "address" | "proxy" | "trust" | "path">,
): HttpRequest {
  const { remote, endpoint, address, stallMs } = conversation;
  const { credential, url } = remote;
  const authorization =
    credential === null
      ? {}
      : { authorization: `Basic ${Buffer.from(userinfoOf(credential)).toString("base64")}` };
  return {
    ...request,
    origin: new URL(url).origin,
    host: endpoint.host,
    port: endpoint.port,
    address,
    proxy: remote.proxy,
    trust: remote.trust,
    path: pathOf(remote, file),
    ...(stallMs === undefined ? {} : { idleMs: stallMs }),
    headers: { "accept-encoding": "gzip", ...request.headers, ...authorization },
  };
}

/** The path of a file of the repository. Like git, appends to a query too, for hosts that name the repository there. */
function pathOf({ url }: RemoteAccess, file: string): string {
  const { pathname, search } = new URL(url);
  return `${(pathname + search).replace(/\/+$/, "")}/${search === "" ? file : file.replace("?", "&")}`;
}

/** The type in a `Content-Type`, in lower case and without parameters; empty for none. */
export function mediaType(header: string | undefined): string {
  return header?.split(";")[0]?.trim().toLowerCase() ?? "";
}

/** Reads a body of pkt-lines with `reader`; `remote-closed` when it ends before `reader` has its result. */
export function readPktLines<T>({ remote, endpoint }: Conversation, reader: PktLineReader<T>): BodyReader<T> {
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

/** The error for an answer of this media type, when it is none that Git gives. */
export function wrongTypeError({ endpoint }: Conversation, type: string): HeliostatError {
  return new HeliostatError(
    "remote-not-git",
    type === "text/html" || type === "application/xhtml+xml"
      ? `${endpoint.host} answered with a web page: use the URL that the host offers for git clone.`
      : `${endpoint.host} answered something that is no Git repository.`,
  );
}
