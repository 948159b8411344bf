import { isIPv6 } from "node:net";

/** Where a server listens. `host` is a name or an address without brackets; port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What a wrong listen address should have looked like. */
export const LISTEN_ADDRESS_FORMS = "host:port, such as 127.0.0.1:8080, [::1]:8080 or :8080";

/** All addresses of the machine, IPv6 and IPv4: what a listen address without a host means. */
const EVERYWHERE = "::";

/** Parses `host:port`, `[IPv6]:port` or `:port`; null when `text` is none of them. */
export function parseListenAddress(text: string): ListenAddress | null {
  // A bare IPv6 address is refused rather than guessed at: in ::1:8080 the port may be part of the address.
  const match =
    /^(?:\[(?<ip6>[0-9a-f:.]+)\]|(?<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?))?:(?<port>\d{1,5})$/i.exec(text);
  if (match === null) return null;
  const { ip6, host, port } = match.groups ?? {};
  const number = Number(port);
  if (number > 65_535) return null;
  if (ip6 !== undefined && !isIPv6(ip6)) return null;
  return { host: ip6 ?? host ?? EVERYWHERE, port: number };
}

/** The address as it is written: what `parseListenAddress` reads. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The URL by which a browser on this machine reaches a server that listens there; no slash at the end. */
export function localUrlOf({ host, port }: ListenAddress): string {
  const reachable = host === EVERYWHERE || host === "0.0.0.0" ? "localhost" : host;
  const url = new URL(`http://${formatListenAddress({ host: reachable, port })}`);
  return url.origin;
}
