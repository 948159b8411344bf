import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { FLUSH_PKT, pktLine } from "./pkt-line.ts";

/** Writes and waits until there is room for more; rejects when the other side is gone. */
export type Write = (bytes: Buffer | string) => Promise<void>;

export interface PeerScript {
  /** What it lists; the first is where HEAD points. */
  readonly refs: Readonly<Record<string, string>>;
  /** Writes the list of refs in place of those above, as pkt-lines, to the last flush. */
  readonly list?: (write: Write) => Promise<void>;
  /** Answers a fetch, behind its `NAK`; in bands, unless it writes something else. */
  readonly answer?: (write: Write) => Promise<void>;
}

export interface ScriptedGitPeer {
  urlOf(repository: string): string;
  /** By the first part of the path. */
  setScript(repository: string, script: PeerScript): void;
  close(): Promise<void>;
}

const BAND = 65_000;

/** Pieces of a pack as the first of the three bands carries them. */
export function* inBand(bytes: Buffer, band = 1, size = BAND): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    const head = Buffer.from((piece.length + 5).toString(16).padStart(4, "0"));
    yield Buffer.concat([head, Buffer.from([band]), piece]);
  }
}

/** Sends a pack whole, as a server does. */
export function sendPack(pack: Buffer): (write: Write) => Promise<void> {
  return async (write) => {
    for (const piece of inBand(pack)) await write(piece);
    await write(FLUSH_PKT);
  };
}

/**
 * A server over smart HTTP, protocol version 0, that says what it is told to, byte for byte: for what no real git would
 * send. Fetches of any oid are answered.
 */
export async function startScriptedGitPeer(): Promise<ScriptedGitPeer> {
  const scripts = new Map<string, PeerScript>();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const url = request.url ?? "/";
    const script = scripts.get(url.split("/")[1] ?? "");
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("latin1");
      const isList = request.method === "GET";
      if (script === undefined) return void response.writeHead(404).end();
      const type = `application/x-git-upload-pack-${isList ? "advertisement" : "result"}`;
      response.writeHead(200, { "Content-Type": type });
      const write = writerOf(response);
      const said = isList ? sayRefs(script, write) : sayPack(script, body, write);
      said.then(
        () => response.end(),
        () => response.destroy(),
      );
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (repository) => `http://127.0.0.1:${port}/${repository}`,
    setScript: (repository, script) => void scripts.set(repository, script),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function writerOf(response: ServerResponse): Write {
  return async (bytes) => {
    if (response.destroyed) throw new Error("gone");
    if (response.write(bytes)) {
      // A reader that is as quick as this would leave nobody else in this process a turn.
      return await new Promise((resolve) => void setImmediate(resolve));
    }
    await new Promise<void>((resolve, reject) => {
      const over = (): void => reject(new Error("gone"));
      response.once("close", over);
      response.once("drain", () => {
        response.off("close", over);
        resolve();
      });
    });
  };
}

async function sayRefs({ refs, list }: PeerScript, write: Write): Promise<void> {
  await write(pktLine("# service=git-upload-pack\n") + FLUSH_PKT);
  if (list) return list(write);
  const [first = ""] = Object.keys(refs);
  const capabilities = `side-band-64k ofs-delta allow-reachable-sha1-in-want allow-tip-sha1-in-want symref=HEAD:${first}`;
  const lines = [["HEAD", refs[first]], ...Object.entries(refs)].map(([name, oid], index) =>
    pktLine(`${oid} ${name}${index === 0 ? `\0${capabilities}` : ""}\n`),
  );
  await write(lines.join("") + FLUSH_PKT);
}

async function sayPack({ answer }: PeerScript, request: string, write: Write): Promise<void> {
  await write(pktLine("NAK\n"));
  // Before that a client only tells what it has.
  if (request.includes("0009done")) await answer?.(write);
}
