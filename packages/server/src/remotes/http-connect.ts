import { isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import { readSocket } from "./socket-reader.ts";
import type { ProxyCredential, ProxyDestination, ProxyRefusal } from "./socks5.ts";

/** More than any proxy says before it lets us through. */
const MAX_HEAD = 64 * 1024;

/**
 * Asks an HTTP proxy for a connection (`CONNECT`), for `http://` too: so it sees neither what is sent nor to whom by
 * name. Null when it is there; what the other end says next stays in the socket. It says nothing before it has connected:
 * one that is silent cannot be told from a remote that is.
 */
export async function askConnect(
  socket: Duplex,
  { host, port }: ProxyDestination,
  credential: ProxyCredential | null,
): Promise<ProxyRefusal | null> {
  const target = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`];
  if (credential !== null) {
    const userinfo = Buffer.from(`${credential.username}:${credential.password}`, "utf8").toString("base64");
    lines.push(`Proxy-Authorization: Basic ${userinfo}`);
  }
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const reader = readSocket(socket);
  const head = await reader.through("\r\n\r\n", MAX_HEAD);
  const status = Number(/^HTTP\/1\.[01] ([1-5][0-9]{2})\b/.exec(head?.toString("latin1") ?? "")?.[1] ?? 0);
  if (status >= 200 && status < 300) {
    reader.release();
    return null;
  }
  // tinyproxy answers 401 to a wrong password.
  if (status === 407 || status === 401) {
    const words =
      credential === null ? "wants a user name and a password" : "refuses the user name and password";
    return { kind: "credential", words: `${words} (HTTP ${status})` };
  }
  return {
    kind: "refused",
    words: status === 0 ? (head === null ? "closed the connection" : "is no HTTP proxy") : wordsOf(status),
  };
}

function wordsOf(status: number): string {
  if (status === 403 || status === 405) return `does not allow connections there (HTTP ${status})`;
  if (status >= 500) return `cannot connect there (HTTP ${status})`;
  return `refuses to connect there (HTTP ${status})`;
}
