import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { endGroup, GIT_ENV } from "./repositories.ts";

/**
 * What a peer does wrong:
 * - `html`: answers every request with a web page and status 200;
 * - `redirect`: answers 301 to another path of the same host;
 * - `not-found`, `status:503`: answers with this status;
 * - `hang`: takes the request and never answers;
 * - `hang-body`: sends the first half of the advertisement, then nothing;
 * - `close-midway`: destroys the connection in the middle of the answer that carries the pack, or of any answer to a
 *   push.
 */
export type PeerFault =
  | "html"
  | "redirect"
  | "not-found"
  | "hang"
  | "hang-body"
  | "close-midway"
  | `status:${number}`;

export interface PeerRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A request from its first byte to the end of its answer, however it ended; times of `performance.now()`. */
export interface PeerExchange extends PeerRequest {
  readonly from: number;
  readonly to: number;
}

export interface GitHttpPeerOptions {
  /** The directory whose bare repositories are served by their relative paths. */
  readonly root: string;
  /** Ask for these by Basic authentication, on every request. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** The newest protocol version to speak; 2 unless told. */
  readonly protocol?: 0 | 2;
  /** Serve files only, as a plain web server does. Needs `git update-server-info` in the repositories. */
  readonly dumb?: boolean;
  readonly fault?: PeerFault;
  /** Where to listen: a free port of 127.0.0.1 unless told. */
  readonly address?: string;
  readonly port?: number;
  /** How long the next request waits before it is looked at. */
  readonly delayMs?: () => number;
}

export interface GitHttpPeer {
  /** `http://<address>:<port>`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Every request so far, the oldest first. */
  readonly requests: readonly PeerRequest[];
  /** How many connections came in so far. */
  connectionCount(): number;
  /** Those that are over. */
  readonly exchanges: readonly PeerExchange[];
  urlOf(repository: string): string;
  /** Sets or takes away (`null`) the fault, for one repository or for all. */
  setFault(fault: PeerFault | null, repository?: string): void;
  /** Does this once, before the next request whose URL begins so is answered: what others do meanwhile. */
  beforeNext(url: string, work: () => Promise<void>): void;
  close(): Promise<void>;
}

/** Starts a real smart HTTP server: Node's around `git http-backend`. */
export async function startGitHttpPeer(options: GitHttpPeerOptions): Promise<GitHttpPeer> {
  const requests: PeerRequest[] = [];
  const exchanges: PeerExchange[] = [];
  const faults = new Map<string, PeerFault>();
  const works = new Map<string, () => Promise<void>>();
  const children = new Set<ChildProcess>();
  const sockets = new Set<Socket>();
  if (options.fault) faults.set("", options.fault);

  const server = createServer((request, response) => {
    const url = request.url ?? "/";
    const seen: PeerRequest = { method: request.method ?? "", url, headers: request.headers };
    requests.push(seen);
    const from = performance.now();
    response.once("close", () => exchanges.push({ ...seen, from, to: performance.now() }));
    const fault = [...faults].find(([repository]) => url.startsWith(`/${repository}`))?.[1] ?? null;
    if (fault !== null && answerWrongly(fault, request, response)) return;
    if (options.auth && !isAuthorized(request, options.auth)) {
      request.resume();
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="peer"' }).end("sign in first\n");
      return;
    }
    const serve = (): void => {
      if (response.destroyed) return;
      const child = spawn("git", ["http-backend"], { env: cgiEnvironment(request, options), detached: true });
      children.add(child);
      child.on("close", () => children.delete(child));
      serveCgi(child, request, response, fault);
    };
    const [prefix, work] = [...works].find(([begin]) => url.startsWith(begin)) ?? [];
    if (prefix === undefined || work === undefined) {
      if (options.delayMs) setTimeout(serve, options.delayMs());
      else serve();
      return;
    }
    works.delete(prefix);
    work().then(serve, (error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  let connectionCount = 0;
  server.on("connection", (socket) => {
    connectionCount += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const { address = "127.0.0.1" } = options;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, address, resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://${address}:${port}`;

  return {
    url: base,
    port,
    requests,
    connectionCount: () => connectionCount,
    exchanges,
    urlOf: (repository) => `${base}/${repository}`,
    setFault(fault, repository = "") {
      if (fault === null) faults.delete(repository);
      else faults.set(repository, fault);
    },
    beforeNext: (begin, work) => void works.set(begin, work),
    async close() {
      for (const child of children) endGroup(child);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** True when the request was dealt with; the two faults that need a real answer first are for `serveCgi`. */
function answerWrongly(fault: PeerFault, request: IncomingMessage, response: ServerResponse): boolean {
  request.resume();
  const url = request.url ?? "/";
  if (fault === "hang") return true;
  if (fault === "html") {
    response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>Welcome</title>\n");
  } else if (fault === "redirect") {
    response.writeHead(301, { Location: `/elsewhere${url}` }).end();
  } else if (fault === "not-found") {
    response.writeHead(404).end("no such repository\n");
  } else if (fault.startsWith("status:")) {
    response.writeHead(Number(fault.slice("status:".length))).end("not now\n");
  } else {
    request.pause();
    return false;
  }
  return true;
}

function isAuthorized(request: IncomingMessage, auth: { username: string; password: string }): boolean {
  const expected = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
  return request.headers.authorization === `Basic ${expected}`;
}

function cgiEnvironment(request: IncomingMessage, options: GitHttpPeerOptions): Record<string, string> {
  const url = new URL(request.url ?? "/", "http://peer");
  const header = (name: string): string => String(request.headers[name] ?? "");
  return {
    ...GIT_ENV,
    GIT_PROJECT_ROOT: options.root,
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: options.dumb ? "" : url.search.slice(1),
    REQUEST_METHOD: request.method ?? "GET",
    CONTENT_TYPE: header("content-type"),
    CONTENT_LENGTH: header("content-length"),
    HTTP_CONTENT_ENCODING: header("content-encoding"),
    REMOTE_USER: options.auth?.username ?? "peer",
    REMOTE_ADDR: "127.0.0.1",
    ...(options.protocol === 0 ? {} : { GIT_PROTOCOL: header("git-protocol") }),
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: "http.receivepack",
    GIT_CONFIG_VALUE_0: "true",
    GIT_CONFIG_KEY_1: "safe.directory",
    GIT_CONFIG_VALUE_1: "*",
  };
}

/** Joins a CGI program to a request: its headers become ours, its body follows as it comes. */
function serveCgi(
  child: ReturnType<typeof spawn>,
  request: IncomingMessage,
  response: ServerResponse,
  fault: PeerFault | null,
): void {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("git http-backend has no pipes");
  const isAdvertisement = request.method === "GET";
  stdin.on("error", () => {});
  stderr.resume();
  request.pipe(stdin);
  response.on("close", () => {
    // A git that is told to end while it makes a lock leaves it behind: it notes the file a moment after it is there. No
    // push could change that ref any more. So a push that has come in full goes on to its end, as on a real host; one
    // that breaks off holds no lock yet, and ends where its input does, if git itself reads that.
    const isPush = request.method === "POST" && request.url?.endsWith("/git-receive-pack");
    const readsToTheEnd = request.headers["content-length"] === undefined;
    if (!isPush || !(stdin.writableEnded || readsToTheEnd)) endGroup(child, "SIGTERM");
    stdin.end();
    // It may wait for a drain that never comes; unread, its pipes would keep the test process alive.
    stdout.destroy();
    stderr.destroy();
  });

  let head = Buffer.alloc(0);
  let sent = 0;
  let inBody = false;
  const send = (chunk: Buffer): void => {
    if (fault === "hang-body" && isAdvertisement) {
      if (sent === 0) response.write(chunk.subarray(0, Math.max(1, chunk.length / 2)));
      sent += chunk.length;
      return;
    }
    const isTooLate = /receive-pack$/.test(request.url ?? "") || chunk.includes("PACK");
    if (fault === "close-midway" && !isAdvertisement && isTooLate) {
      response.write(chunk.subarray(0, chunk.length / 2), () => request.socket.destroy());
      return;
    }
    sent += chunk.length;
    if (!response.write(chunk)) {
      stdout.pause();
      response.once("drain", () => stdout.resume());
    }
  };
  stdout.on("data", (chunk: Buffer) => {
    if (inBody) {
      send(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    inBody = true;
    let status = 200;
    for (const line of head.toString("latin1", 0, end).split("\r\n")) {
      const [name = "", value = ""] = line.split(/:\s*/, 2);
      if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status);
    const rest = head.subarray(end + 4);
    if (rest.length > 0) send(rest);
  });
  stdout.on("end", () => {
    if (fault !== "hang-body" || !isAdvertisement) response.end();
  });
}
