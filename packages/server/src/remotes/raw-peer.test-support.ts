import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { HeliostatError } from "../domain/errors.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { encodePktLine } from "./pkt-line.ts";
import { createRemotes, type RemotesOptions } from "./remotes.ts";

export const LOCAL = { allowLocalRequests: true };
export const CREDENTIAL = { username: "mirror-user", password: "s3cret/p@ssword" };
export const BASIC = Buffer.from(`${CREDENTIAL.username}:${CREDENTIAL.password}`).toString("base64");
export const OID = "a".repeat(40);

/** Answers one request, told as text, on its connection. */
export type Answer = (socket: Socket, request: string) => void;

interface RawPeer {
  readonly port: number;
  readonly requests: readonly string[];
  readonly connections: number;
}

/** A server that says exactly what it is told to: for what no real git would say. */
export async function startRawPeer(
  t: TestContext,
  answer: Answer,
  address = "127.0.0.1",
  port = 0,
): Promise<RawPeer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      requests.push(chunk.toString("latin1"));
      answer(socket, chunk.toString("latin1"));
    });
  });
  server.listen(port, address);
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    get connections() {
      return connections;
    },
  };
}

/** One HTTP answer, its length told unless the headers say something else of it. */
export function http(
  status: string,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer = "",
): Buffer {
  const all = { "Content-Length": String(Buffer.byteLength(body)), ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${head.join("")}\r\n`), Buffer.from(body)]);
}

export const ADVERTISEMENT = { "Content-Type": "application/x-git-upload-pack-advertisement" };
export const RESULT = { "Content-Type": "application/x-git-upload-pack-result" };
export const SERVICE = `${encodePktLine("# service=git-upload-pack\n")}0000`;
export const V2 = `${SERVICE}${encodePktLine("version 2\n")}${encodePktLine("ls-refs=unborn\n")}0000`;
export const REFS_V0 = `${encodePktLine(`${OID} refs/heads/main\0agent=x`)}${encodePktLine(`${OID} refs/heads/two\n`)}0000`;
export const REFS_V2 = `${encodePktLine(`${OID} refs/heads/main\n`)}0000`;

/** Says this to every request. */
export const send =
  (bytes: Buffer | string): Answer =>
  (socket) =>
    void socket.write(bytes);
/** Speaks protocol 2 up to `ls-refs`, to which it answers this. */
export const sendToLsRefs =
  (bytes: Buffer | string): Answer =>
  (socket, request) => {
    socket.write(request.startsWith("GET") ? http("200 OK", ADVERTISEMENT, V2) : bytes);
  };

/** Closed when the test ends. */
export function makeRemotes(t: TestContext, options: Partial<RemotesOptions> = {}) {
  const ignore = () => {};
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test", ...options });
  t.after(() => remotes.close());
  return remotes;
}

/** Lists the refs over a connection of its own, showing `CREDENTIAL`. */
export async function listFrom(t: TestContext, url: string, options: Partial<RemotesOptions> = {}) {
  const remotes = makeRemotes(t, options);
  const remote = await remotes.open(parseRemoteUrl(url).url, CREDENTIAL, LOCAL);
  return remotes.listRefs(remote, { signal: t.signal });
}

/** The error has this code and text; neither it nor anything that it holds tells the credential. */
export function failure(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HeliostatError, inspect(error));
    assert.equal(error.code, code, inspect(error));
    assert.match(error.message, message);
    const everything = inspect(error, { depth: 10, showHidden: true });
    for (const secret of [CREDENTIAL.password, encodeURIComponent(CREDENTIAL.password), BASIC]) {
      assert.ok(!everything.includes(secret), "tells the credential");
    }
    return true;
  };
}

/** What a web server says where there is no repository. */
export const WEB_PAGE = http(
  "200 OK",
  { "Content-Type": "text/html; charset=utf-8" },
  "<!doctype html><title>Hi</title>",
);
