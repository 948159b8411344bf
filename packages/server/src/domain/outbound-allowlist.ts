import { isHostName, isIpv4Address, isIpv6Address, toAsciiHost, withoutFinalDot } from "./host-name.ts";

/**
 * One entry of the setting `outbound_local_requests_whitelist`: a host, or an address or range of addresses; with a
 * port, for that port only.
 */
export type AllowlistEntry =
  /** In lower case, in ASCII, without a dot at the end. */
  | { readonly kind: "host"; readonly host: string; readonly port: number | null }
  | {
      readonly kind: "range";
      readonly address: string;
      readonly prefix: number;
      readonly family: "ipv4" | "ipv6";
      readonly port: number | null;
    };

/** GitLab's limits. */
const MAX_ENTRIES = 1000;
const MAX_ENTRY_LENGTH = 255;

const BRACKETED = /^\[([^\]]*)\](?::([0-9]{1,5}))?$/;
const WITH_PORT = /^([^:]+)(?::([0-9]{1,5}))?$/;
const RANGE = /^([0-9a-f:.]+)\/([0-9]{1,3})$/i;

/** Reads `example.com`, `example.com:8080`, `10.0.0.1`, `10.0.0.0/8`, `fd00::/8` or `[::1]:8080`; null for all else. */
export function parseAllowlistEntry(text: string): AllowlistEntry | null {
  const entry = text.trim().toLowerCase();
  const [, network, prefix] = RANGE.exec(entry) ?? [];
  if (network !== undefined) return rangeOf(network, Number(prefix), null);
  const [, inBrackets, itsPort] = BRACKETED.exec(entry) ?? [];
  if (inBrackets !== undefined) {
    return isIpv6Address(inBrackets) ? withPort(rangeOf(inBrackets, 128, null), itsPort) : null;
  }
  if (isIpv6Address(entry)) return rangeOf(entry, 128, null);
  const [, host, port] = WITH_PORT.exec(entry) ?? [];
  if (host === undefined) return null;
  if (isIpv4Address(host)) return withPort(rangeOf(host, 32, null), port);
  const name = toAsciiHost(host);
  if (name === null || !isHostName(name)) return null;
  return withPort({ kind: "host", host: withoutFinalDot(name), port: null }, port);
}

/** What is wrong with a list of entries, in a sentence each; none means that it may be used. */
export function validateAllowlist(entries: readonly string[]): readonly string[] {
  if (entries.length > MAX_ENTRIES) return [`is too long (maximum is ${MAX_ENTRIES} entries)`];
  return entries.flatMap((entry) => {
    if (entry.length > MAX_ENTRY_LENGTH) {
      return [`has an entry that is too long (maximum is ${MAX_ENTRY_LENGTH} characters)`];
    }
    const isUsable = parseAllowlistEntry(entry) !== null;
    return isUsable ? [] : [`has an entry that is no host, IP address or range in CIDR form: ${entry}`];
  });
}

function rangeOf(address: string, prefix: number, port: number | null): AllowlistEntry | null {
  if (isIpv4Address(address))
    return prefix > 32 ? null : { kind: "range", address, prefix, family: "ipv4", port };
  if (!isIpv6Address(address) || prefix > 128) return null;
  return { kind: "range", address, prefix, family: "ipv6", port };
}

function withPort(entry: AllowlistEntry | null, port: string | undefined): AllowlistEntry | null {
  if (entry === null || port === undefined) return entry;
  const number = Number(port);
  return number >= 1 && number <= 65_535 ? { ...entry, port: number } : null;
}
