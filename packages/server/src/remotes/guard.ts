import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { OutboundRules, RemoteAccess, Remotes } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { withoutFinalDot } from "../domain/host-name.ts";
import { hostOf, parseRemoteUrl, portOf, type RemoteUrl, schemeOf } from "../domain/remote-url.ts";
import { refusalOf } from "./address-ranges.ts";
import { compileAllowlist } from "./allowlist.ts";
import type { RemoteLimits } from "./limits.ts";
import { createMemory } from "./memory.ts";
import { resolveHost } from "./resolve-host.ts";
import { withTimeLimit } from "./time-limit.ts";

/** Every address of a host, in the order to be tried; rejects when there is none. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** Where a remote listens, as read from its URL. */
export interface Endpoint {
  readonly scheme: "http" | "https" | "git" | "ssh";
  /** In lower case, an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
}

/** The proxy for a connection to this endpoint; null: none. */
export type ProxyFor = (endpoint: Endpoint) => string | null;

/** Where a connection may go. */
export type Way = Pick<RemoteAccess, "address" | "proxy">;

export interface Guard {
  readonly open: Remotes["open"];
  /** The same for anything else than a repository, at this `origin` (`https://example.com`). */
  findWay(
    endpoint: Endpoint,
    origin: string,
    rules: OutboundRules & { readonly signal?: AbortSignal },
  ): Promise<Way>;
  /** Notes that nothing answered at this address: the next `open` of the host takes another, if it has one. */
  avoid(remote: RemoteAccess): void;
}

const NOT_ON_THE_LIST = "Requests to hosts and IP addresses not on the Allow List are denied";

const MAX_HOSTS = 10_000;
/** The machine's interfaces change rarely, and reading them costs more than all range checks. */
const OWN_ADDRESSES_MS = 10_000;

/** Reads where a URL leads; `url-blocked` when there is no way to go there. */
export function endpointOf(url: RemoteUrl): Endpoint {
  const scheme = schemeOf(url);
  if (scheme === "file") throw blocked("Only allowed schemes are http, https, ssh, git");
  return { scheme, host: hostOf(url), port: portOf(url) };
}

/**
 * The outbound guard. The attack it stops: a URL that leads into our own network, written oddly or through a name
 * whose answer changes between the check and the connection. So all addresses of the host are checked, and the one
 * that is handed out is where the connection goes, without a second look-up.
 */
export function createGuard({
  resolve = resolveHost,
  proxyFor = () => null,
  limits,
}: {
  resolve?: ResolveHost | undefined;
  proxyFor?: ProxyFor | undefined;
  limits: RemoteLimits;
}): Guard {
  // Promises, so that many mirrors of one host that are due together ask once.
  const resolved = createMemory<Promise<readonly string[]>>(limits.addressesMs, MAX_HOSTS);
  const silent = createMemory<string>(Number.POSITIVE_INFINITY, MAX_HOSTS);
  const own = createMemory<ReadonlySet<string>>(OWN_ADDRESSES_MS, 1);

  async function addressesOf(host: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host];
    let answer = resolved.get(host);
    if (answer === undefined) {
      answer = resolve(host);
      resolved.set(host, answer);
      // Whoever asked may have stopped waiting before it fails.
      answer.catch(() => {});
    }
    try {
      const addresses = await withTimeLimit(
        { ms: limits.resolveMs, signal, what: "looking up the host" },
        () => answer,
      );
      if (addresses.length === 0 || addresses.some((address) => isIP(address) === 0)) throw unresolved();
      return addresses;
    } catch (error) {
      if (error instanceof HeliostatError && error.code === "cancelled") throw error;
      resolved.delete(host);
      throw unresolved(error);
    }
  }

  function ownAddresses(): ReadonlySet<string> {
    let addresses = own.get("");
    if (addresses === undefined) {
      addresses = new Set(
        Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map((at) => at.address)),
      );
      own.set("", addresses);
    }
    return addresses;
  }

  const guard: Guard = {
    async open(url, credential, rules) {
      checkForm(url);
      const way = await guard.findWay(endpointOf(url), url, rules);
      const { trust } = rules;
      return { url, credential, ...way, ...(trust ? { trust } : {}) };
    },
    async findWay(endpoint, origin, rules) {
      const { host, port } = endpoint;
      checkPort(port, rules.lowPorts);
      const proxy = proxyFor(endpoint);
      const isAllowed = compileAllowlist(rules.outboundAllowlist ?? []);
      // Whoever writes socks5h:// or switches the protection off wants the proxy to look names up.
      const isByName = proxy?.startsWith("socks5h:") || rules.dnsRebindingProtectionEnabled === false;
      const addresses = await addressesOf(host, rules.signal).catch((error: unknown): readonly string[] => {
        if (proxy === null || !(error instanceof HeliostatError) || error.code !== "remote-unreachable")
          throw error;
        // Behind a proxy there may be no resolver that knows the world. The attack: a name of the attacker's that fails
        // here and leads into the network around the proxy; so a look-up that failed is no reason by itself.
        if (!isByName && !rules.allowLocalRequests && !isAllowed({ host, port, address: "" }))
          throw unresolved(error, ", and the proxy may not look it up: see dns_rebinding_protection_enabled");
        return [];
      });
      const others = isAt(rules.ownUrl, origin)
        ? []
        : addresses.filter((address) => !isAllowed({ host, port, address }));
      const isUnknown = addresses.length === 0 && !isAllowed({ host, port, address: "" });
      if (rules.denyAllRequestsExceptAllowed === true && (others.length > 0 || isUnknown))
        throw blocked(NOT_ON_THE_LIST);
      if (!rules.allowLocalRequests) {
        if (isUnknown && isLocalName(host)) throw blocked("Requests to the local network are not allowed");
        const reason = refusalOf(others, ownAddresses());
        if (reason !== null) throw blocked(reason);
      }
      const last = silent.get(host);
      const next = last === undefined ? 0 : (addresses.indexOf(last) + 1) % addresses.length;
      const address = addresses[next] ?? null;
      if (proxy === null) return { address };
      // The proxy is asked for the address that was checked: for the name, it would get an answer of its own, which may
      // lead into the network around it.
      return { address: isByName ? null : address, proxy };
    },
    avoid({ url, address }) {
      if (address !== null) silent.set(endpointOf(url).host, address);
    },
  };
  return guard;
}

/** A row of the database may be older than a rule: what could not be saved today is not spoken to either. */
function checkForm(url: RemoteUrl): void {
  if (parseRemoteUrl(url).url !== url) throw new HeliostatError("url-invalid", "URI is invalid");
}

/** GitLab's list and words; it says "over" and means "from". */
function checkPort(port: number, lowPorts: readonly number[] | undefined): void {
  if (lowPorts === undefined || port >= 1024 || lowPorts.includes(port)) return;
  throw blocked(`Only allowed ports are ${lowPorts.join(", ")}, and any over 1024`);
}

/** A name that means something in the network of whoever looks it up, and nothing in the world. */
function isLocalName(host: string): boolean {
  return /^[^.]+$|\.(?:localhost|local|internal|intranet|lan|home\.arpa)$/.test(withoutFinalDot(host));
}

/** Scheme, host and port: what answers there is ours and open to everybody who may mirror. */
function isAt(base: string | undefined, remote: string): boolean {
  if (base === undefined || !URL.canParse(base) || !URL.canParse(remote)) return false;
  return new URL(base).origin === new URL(remote).origin;
}

/** The message is GitLab's reason, to be shown behind `is blocked: `. */
function blocked(reason: string): HeliostatError {
  return new HeliostatError("url-blocked", reason);
}

/** GitLab's words for it; but a resolver that fails now may work in a minute, so it is worth a retry. */
function unresolved(cause?: unknown, more = ""): HeliostatError {
  return new HeliostatError("remote-unreachable", `Host cannot be resolved or invalid${more}`, { cause });
}
