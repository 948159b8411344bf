import type { Exchange, OutboundRules, OutgoingRequest, RequestSender } from "../app/ports.ts";
import { asHeliostatError } from "../domain/errors.ts";
import type { Endpoint, Guard } from "./guard.ts";
import type { BodyReader, HttpConnections, ReceivedHead } from "./http-connections.ts";
import { withTimeLimit } from "./time-limit.ts";

export interface SenderLimits {
  /** For one request, from looking the host up to the end of what is read. GitLab's. */
  readonly requestMs: number;
  /** Of an answer's body, that much is kept. GitLab's. */
  readonly bodyBytes: number;
}

export const SENDER_LIMITS: SenderLimits = { requestMs: 10_000, bodyBytes: 8 * 1024 };

/** Of an answer's headers, that many are kept, and that much of each. */
const MOST_HEADERS = 50;
const HEADER_LENGTH = 1_000;

/** Of an answer, what has come so far. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: () => string;
}

/**
 * Sends requests to receivers that people name. A redirect is an answer like others. Once the head of an answer is there
 * the request has ended well, whatever becomes of the rest: the receiver had it.
 */
export function createRequestSender({
  guard,
  connections,
  limits = SENDER_LIMITS,
}: {
  guard: Pick<Guard, "findWay">;
  connections: HttpConnections;
  limits?: SenderLimits;
}): RequestSender {
  async function exchange(
    request: OutgoingRequest,
    rules: OutboundRules & { signal: AbortSignal },
    onAnswer: (answer: Answer) => void,
  ): Promise<void> {
    const url = new URL(request.url);
    const { origin } = url;
    const endpoint = endpointOf(url);
    const { host, port } = endpoint;
    const { address, proxy } = await guard.findWay(endpoint, origin, rules);
    const { method, headers } = request;
    await connections.exchange(
      {
        ...{ origin, host, port, address, proxy, method, headers },
        ...(request.verifiesCertificate ? {} : { trust: { isUnverified: true } }),
        path: url.pathname + url.search,
        ...(method === "GET" ? {} : { body: Buffer.from(request.body, "utf8") }),
        isWrite: true,
      },
      (head) => {
        const beginning = keepBeginning(limits.bodyBytes);
        onAnswer({ status: head.status, headers: keepHeaders(head), body: beginning.text });
        return beginning;
      },
      rules.signal,
    );
  }

  return {
    async check(text, rules) {
      const url = new URL(text);
      const limit = { ms: limits.requestMs, what: "looking the receiver up" };
      try {
        await withTimeLimit(limit, (signal) =>
          guard.findWay(endpointOf(url), url.origin, { ...rules, signal }),
        );
      } catch (error) {
        if (asHeliostatError(error).kind !== "transient") throw error;
      }
    },
    async send(request, rules, signal) {
      const startedAt = performance.now();
      let answer: Answer | null = null as Answer | null;
      let error: unknown = null;
      try {
        const limit = { ms: limits.requestMs, signal, what: "sending a request" };
        await withTimeLimit(limit, (limited) =>
          exchange(request, { ...rules, signal: limited }, (begun) => {
            answer = begun;
          }),
        );
      } catch (thrown) {
        error = thrown;
      }
      const duration = (performance.now() - startedAt) / 1000;
      if (answer !== null) return { kind: "answered", ...answer, body: answer.body(), duration };
      return failed(error, duration);
    },
  };
}

function failed(error: unknown, duration: number): Exchange {
  const { kind, message } = asHeliostatError(error);
  return { kind: "failed", reason: message, isFinal: kind !== "transient" && kind !== "cancelled", duration };
}

function endpointOf(url: URL): Endpoint {
  const scheme = url.protocol === "https:" ? "https" : "http";
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return { scheme, host, port: url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port) };
}

/** Ends the reading of an answer of which enough was read. */
class Enough extends Error {}

function keepBeginning(maxBytes: number): BodyReader<void> & { text(): string } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      const kept = chunk.subarray(0, maxBytes - bytes);
      // A copy: a part of a chunk would keep all of it.
      chunks.push(Buffer.from(kept));
      bytes += kept.length;
      if (kept.length < chunk.length) throw new Enough();
    },
    end: () => undefined,
    // What was cut in the middle of a character ends with U+FFFD.
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}

function keepHeaders({ headers }: ReceivedHead): Readonly<Record<string, string>> {
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, [value].flat().join(", ").slice(0, HEADER_LENGTH)]],
  );
  return Object.fromEntries(kept.slice(0, MOST_HEADERS));
}
