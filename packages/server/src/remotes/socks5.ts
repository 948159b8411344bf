import { isIPv4, isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import { readSocket } from "./socket-reader.ts";

/** Where a proxy is to lead to: an address, or a name that it looks up itself. */
export interface ProxyDestination {
  readonly host: string;
  readonly port: number;
}

export interface ProxyCredential {
  readonly username: string;
  readonly password: string;
}

/** What RFC 1928 and 1929 call it: version, methods, commands, kinds of address. */
export const SOCKS_VERSION = 5;
export const NO_AUTH = 0;
export const BY_PASSWORD = 2;
export const NO_METHOD = 0xff;
export const PASSWORD_VERSION = 1;
export const CONNECT = 1;
export const IPV4 = 1;
export const NAME = 3;
export const IPV6 = 4;

const REFUSALS: Readonly<Record<number, string>> = {
  1: "it failed, and does not say why",
  2: "its rules do not allow that",
  3: "the network cannot be reached from there",
  4: "the host cannot be reached from there",
  5: "nothing listens there",
  6: "the way there is too long",
  7: "it does not connect for others",
  8: "it does not know this kind of address",
};

/** What a SOCKS5 proxy says, in words to stand after its name; null: the way is open. */
export type ProxyRefusal =
  | { readonly kind: "credential"; readonly words: string }
  | { readonly kind: "refused"; readonly words: string };

/**
 * Asks a SOCKS5 proxy for a connection; null when it is there. What the other end says next stays in the socket.
 * `onTaken`: it has let us in, and is asked to connect.
 */
export async function askSocks5(
  socket: Duplex,
  destination: ProxyDestination,
  credential: ProxyCredential | null,
  onTaken: () => void = () => {},
): Promise<ProxyRefusal | null> {
  const reader = readSocket(socket);
  const methods = credential === null ? [NO_AUTH] : [NO_AUTH, BY_PASSWORD];
  socket.write(Buffer.from([SOCKS_VERSION, methods.length, ...methods]));
  const chosen = await reader.exactly(2);
  if (chosen === null || chosen[0] !== SOCKS_VERSION) return refused("is no SOCKS5 proxy");
  if (chosen[1] === NO_METHOD || (chosen[1] === BY_PASSWORD && credential === null)) {
    const words =
      credential === null ? "wants a user name and a password" : "takes no user name and password";
    return { kind: "credential", words };
  }
  if (chosen[1] === BY_PASSWORD && credential !== null) {
    socket.write(
      Buffer.concat([
        Buffer.from([PASSWORD_VERSION]),
        counted(credential.username),
        counted(credential.password),
      ]),
    );
    const verdict = await reader.exactly(2);
    if (verdict === null || verdict[1] !== 0)
      return { kind: "credential", words: "refuses the user name and password" };
  } else if (chosen[1] !== NO_AUTH) {
    return refused("chose a way to sign in that was not offered");
  }
  onTaken();
  socket.write(
    Buffer.concat([
      Buffer.from([SOCKS_VERSION, CONNECT, 0]),
      encodeHost(destination.host),
      encodePort(destination.port),
    ]),
  );
  const head = await reader.exactly(4);
  if (head === null) return refused("closed the connection");
  if (head[1] !== 0) return refused(`refuses: ${REFUSALS[head[1] ?? 1] ?? `code ${head[1]}`}`);
  // Where it connects from: of no interest, but to be read.
  const length = head[3] === IPV4 ? 4 : head[3] === IPV6 ? 16 : ((await reader.exactly(1))?.[0] ?? 0);
  if ((await reader.exactly(length + 2)) === null) return refused("closed the connection");
  reader.release();
  return null;
}

function refused(words: string): ProxyRefusal {
  return { kind: "refused", words };
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function encodePort(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port);
  return bytes;
}

function encodeHost(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from([IPV4, ...host.split(".").map(Number)]);
  if (isIPv6(host)) return Buffer.from([IPV6, ...ipv6Bytes(host)]);
  return Buffer.concat([Buffer.from([NAME]), counted(host)]);
}

function ipv6Bytes(address: string): number[] {
  // The URL parser knows all spellings, and has one.
  const [left = "", right = ""] = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname
    .slice(1, -1)
    .split("::");
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [begin, end] = [groups(left), groups(right)];
  const all = [...begin, ...new Array<number>(8 - begin.length - end.length).fill(0), ...end];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}
