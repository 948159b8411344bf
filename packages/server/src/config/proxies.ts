import { BlockList, isIP, isIPv4 } from "node:net";
import { withoutFinalDot } from "../domain/host-name.ts";

/** The proxies that connections to remotes go through: absolute URLs, credentials inside; null: none. */
export interface ProxySettings {
  readonly http: string | null;
  readonly https: string | null;
  /** For everything that has no proxy of its own: SSH and `git://` never have. */
  readonly all: string | null;
  readonly exceptions: readonly ProxyException[];
}

/** What is spoken to without a proxy. */
export interface ProxyException {
  /** As it was written. */
  readonly text: string;
  readonly matches: (target: ProxyTarget) => boolean;
}

/** Where a connection is to lead. */
export interface ProxyTarget {
  readonly scheme: "http" | "https" | "ssh" | "git";
  /** In lower case, an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
}

/** Says what a value should have been, to stand after the variable's name; holds nothing of the value. */
export class UnfitProxy extends Error {}

const SCHEMES = ["http:", "https:", "socks5:", "socks5h:"];
const FORM =
  "an address such as http://user:password@proxy.example.com:3128 or socks5://proxy.example.com:1080";
/** A length in SOCKS is one byte. */
const LONGEST_SOCKS_TEXT = 255;

/**
 * The URL of a proxy in its one spelling: as in curl, without a scheme it is `http://`. Throws `UnfitProxy` for what is
 * none.
 */
export function parseProxy(text: string): string {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || url.hostname === "") throw new UnfitProxy(`is not ${FORM}`);
  if (/^socks4a?:$|^socks:$/.test(url.protocol))
    throw new UnfitProxy(
      "names a SOCKS4 proxy, which takes no password and no IPv6: write socks5:// or socks5h://",
    );
  if (!SCHEMES.includes(url.protocol))
    throw new UnfitProxy("has a scheme other than http://, https://, socks5:// and socks5h://");
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "")
    throw new UnfitProxy(`has something behind the host: write ${FORM}`);
  const credential = [url.username, url.password].map(decode);
  if (credential.some((half) => half === null || /\p{Cc}/u.test(half)))
    throw new UnfitProxy("holds a % in its user name or password that encodes no character: write it as %25");
  if (
    url.protocol.startsWith("socks") &&
    credential.some((half) => Buffer.byteLength(half ?? "") > LONGEST_SOCKS_TEXT)
  )
    throw new UnfitProxy(
      `has a user name or password of more than ${LONGEST_SOCKS_TEXT} bytes, which SOCKS cannot carry`,
    );
  return `${url.protocol}//${userinfoOf(url)}${url.host}`;
}

/** A proxy's URL fit to be shown: user name and password masked. */
export function maskProxy(proxy: string): string {
  const url = new URL(proxy);
  const { username, password } = url;
  const userinfo = `${username === "" ? "" : "*****"}${password === "" ? "" : ":*****"}`;
  return `${url.protocol}//${userinfo === "" ? "" : `${userinfo}@`}${url.host}`;
}

/**
 * `NO_PROXY`: hosts, which stand for their subdomains too, `.suffix` and `*.suffix`, addresses, CIDR ranges, each with a
 * port or without; `*` for everything. Commas or blanks between. Throws `UnfitProxy` for a range that is none.
 */
export function parseExceptions(text: string): readonly ProxyException[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .map((entry) => ({ text: entry, matches: matcherOf(entry.toLowerCase()) }));
}

/** The proxy for a connection; null: none, it goes there itself. Names are not looked up for a range, as in curl. */
export function chooseProxy(settings: ProxySettings, target: ProxyTarget): string | null {
  const own = target.scheme === "http" || target.scheme === "https" ? settings[target.scheme] : null;
  const proxy = own ?? settings.all;
  if (proxy === null || settings.exceptions.some(({ matches }) => matches(target))) return null;
  return proxy;
}

function matcherOf(entry: string): (target: ProxyTarget) => boolean {
  if (entry === "*") return () => true;
  if (entry.includes("/")) return rangeMatcher(entry);
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]*)\]|(.*?))(?::([0-9]{1,5}))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  const name = bracketed ?? plain ?? entry;
  const isOfPort = ({ port }: ProxyTarget) => digits === undefined || Number(digits) === port;
  if (isIP(name) !== 0) {
    const same = new BlockList();
    same.addAddress(name, familyOf(name));
    return (target) =>
      isOfPort(target) && isIP(target.host) !== 0 && same.check(target.host, familyOf(target.host));
  }
  const suffix = withoutFinalDot(name.replace(/^\*?\./, ""));
  return (target) => {
    const host = withoutFinalDot(target.host);
    return isOfPort(target) && (host === suffix || host.endsWith(`.${suffix}`));
  };
}

function rangeMatcher(entry: string): (target: ProxyTarget) => boolean {
  const [, address = "", bits = ""] = /^\[?([0-9a-f:.]+)\]?\/([0-9]{1,3})$/.exec(entry) ?? [];
  const isRange = isIP(address) !== 0 && Number(bits) <= (isIPv4(address) ? 32 : 128);
  if (!isRange) throw new UnfitProxy(`holds ${JSON.stringify(entry)}, which is no range such as 10.0.0.0/8`);
  const range = new BlockList();
  range.addSubnet(address, Number(bits), familyOf(address));
  // A BlockList takes every IPv4 address to be inside of `::/0`.
  return ({ host }) => isIP(host) === isIP(address) && range.check(host, familyOf(host));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}

function userinfoOf({ username, password }: URL): string {
  if (username === "" && password === "") return "";
  return `${username}${password === "" ? "" : `:${password}`}@`;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
