import { rootCertificates } from "node:tls";
import type { CustomFetch } from "openid-client";
import type { Dispatcher } from "undici";

export interface TransportOptions {
  readonly userAgent: string;
  /** PEM, beside those of the system; null: none. */
  readonly caCertificates: string | null;
  /** The proxy to a host; null: none. */
  readonly proxyFor: (target: {
    readonly scheme: "http" | "https";
    readonly host: string;
    readonly port: number;
  }) => string | null;
}

/** How requests get to a provider: by the same certificates and proxies as those of mirrors. */
export interface Transport {
  readonly fetch: CustomFetch;
  close(): Promise<void>;
}

/** Longer answers are no metadata, keys or tokens. */
const LONGEST_ANSWER = 1024 * 1024;

/** Opens nothing before the first request. Redirects are not followed: the library asks for that. */
export function createTransport({ userAgent, caCertificates, proxyFor }: TransportOptions): Transport {
  const dispatchers = new Map<string, Dispatcher>();
  const ca = caCertificates === null ? undefined : [...rootCertificates, caCertificates];
  const tls = ca === undefined ? {} : { ca };

  async function dispatcherTo(url: URL): Promise<Dispatcher> {
    const scheme = url.protocol === "http:" ? "http" : "https";
    const port = Number(url.port || (scheme === "http" ? 80 : 443));
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const proxy = proxyFor({ scheme, host, port }) ?? "";
    const known = dispatchers.get(proxy);
    if (known !== undefined) return known;
    const { Agent, ProxyAgent, Socks5ProxyAgent } = await import("undici");
    const made = ((): Dispatcher => {
      if (proxy === "") return new Agent({ connect: tls, maxResponseSize: LONGEST_ANSWER });
      if (proxy.startsWith("socks")) return new Socks5ProxyAgent(proxy, { requestTls: tls });
      return new ProxyAgent({ uri: proxy, requestTls: tls, proxyTls: tls, maxResponseSize: LONGEST_ANSWER });
    })();
    dispatchers.set(proxy, made);
    return made;
  }

  return {
    async fetch(url, { body, headers, method, redirect, signal }) {
      const dispatcher = await dispatcherTo(new URL(url));
      const { fetch } = await import("undici");
      const answer = await fetch(url, {
        ...{ method, redirect, dispatcher, headers: { ...headers, "user-agent": userAgent } },
        ...(body instanceof URLSearchParams || typeof body === "string" ? { body } : {}),
        ...(signal === undefined ? {} : { signal }),
      });
      const bytes = await answer.arrayBuffer();
      // The library looks at no more; and undici's own Response is another class than the runtime's.
      const headersOf: [string, string][] = [...answer.headers];
      return new Response(answer.status === 204 ? null : bytes, {
        status: answer.status,
        headers: headersOf,
      });
    },
    async close() {
      const all = [...dispatchers.values()];
      dispatchers.clear();
      await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
    },
  };
}
