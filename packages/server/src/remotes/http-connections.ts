import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { Dispatcher, Pool } from "undici";
import type { RemoteTrust } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { type BodySink, gunzipBody, limitBody } from "./body-sinks.ts";
import type { Connector } from "./connector.ts";
import type { RemoteLimits } from "./limits.ts";
import { type AnswerHead, closedError, isDropped, networkError } from "./remote-errors.ts";

export interface HttpRequest {
  /** Scheme, host and port, as `URL.origin` has them. */
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  /** Where the connection goes: the checked address; null: where the proxy finds the host. */
  readonly address: string | null;
  readonly proxy?: string | undefined;
  readonly trust?: RemoteTrust | undefined;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The longest time without a byte of the answer; as the limits say unless told. */
  readonly idleMs?: number;
  /** A stream is sent as it comes, at the pace of the connection; its error ends the request. */
  readonly body?: string | Buffer | Readable;
  /**
   * It changes something: it is never sent twice, and that the remote is silent while it works is for the caller to
   * limit.
   */
  readonly isWrite?: boolean;
}

/** Takes an answer's body, decompressed. Throwing ends the request and its connection. */
export interface BodyReader<T> {
  push(chunk: Buffer): void;
  /** The body is complete as HTTP sees it. */
  end(): T;
}

/** All of an answer's head, the names of its headers in lower case. */
export interface ReceivedHead extends AnswerHead {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Looks at the head of an answer: says who reads the body, or throws. */
export type ReadHead<T> = (head: ReceivedHead) => BodyReader<T>;

export interface HttpConnections {
  /** One request over a kept connection. `signal.reason` must be a HeliostatError, and is thrown. */
  exchange<T>(request: HttpRequest, readHead: ReadHead<T>, signal: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

/** Longer than a minute, the shortest interval of a pull mirror; most servers close earlier, and say so. */
const KEEP_ALIVE_MS = 90_000;
/** Origins without a request for so long lose their pool; their sockets are closed by then. */
const POOL_IDLE_MS = 300_000;

/**
 * Keeps HTTP/1.1 connections per origin, address, proxy and certificates, so that a check costs one round trip. Never
 * follows a redirect.
 */
export function createHttpConnections(limits: RemoteLimits, connector: Connector): HttpConnections {
  const pools = new Map<string, { readonly pool: Pool; usedAt: number }>();

  async function poolOf({ origin, host, port, address, proxy, trust }: HttpRequest): Promise<Pool> {
    // Some megabytes that a server without mirrors need not hold.
    const undici = await import("undici");
    const isSecure = origin.startsWith("https:");
    const key = [origin, address, proxy, isSecure ? connector.trustIdOf(trust) : ""].join(" ");
    const now = performance.now();
    const known = pools.get(key);
    if (known !== undefined) {
      known.usedAt = now;
      return known.pool;
    }
    for (const [other, { pool, usedAt }] of pools) {
      if (now - usedAt < POOL_IDLE_MS) continue;
      pools.delete(other);
      // Lets a request that is still running end; nobody waits for that.
      void pool.close();
    }
    const pool = new undici.Pool(origin, {
      connections: limits.connectionsPerOrigin,
      keepAliveTimeout: KEEP_ALIVE_MS,
      allowH2: false,
      // To the address in place of the host: there is no name left to be resolved to something else. The server's name
      // for SNI and certificate, and the `Host` header, are still the host's.
      connect: (_options, callback) => {
        connector.connect({ host, port, address, proxy, trust, isSecure }).then(
          (socket) => callback(null, socket),
          (error: Error) => callback(error, null),
        );
      },
    });
    pools.set(key, { pool, usedAt: now });
    return pool;
  }

  return {
    async exchange(request, readHead, signal) {
      // A pool counts a connection as free a moment after its answer ended. Without this pause, the second request of
      // a handshake would open a second connection.
      await setImmediate();
      const pool = await poolOf(request);
      signal.throwIfAborted();
      try {
        return await dispatch(pool, request, readHead, { limits, signal });
      } catch (error) {
        // A kept connection may have been closed by the remote just as we wrote to it. A request that only reads and
        // got no answer is sent again, once.
        if (request.isWrite === true && error instanceof Unanswered)
          throw closedError(request.host, error.cause);
        if (!(error instanceof Unanswered) || signal.aborted) throw asRemoteError(error, request.host);
      }
      try {
        return await dispatch(pool, request, readHead, { limits, signal });
      } catch (error) {
        throw asRemoteError(error, request.host);
      }
    },
    async close() {
      const all = [...pools.values()];
      pools.clear();
      await Promise.all(all.map(({ pool }) => pool.destroy()));
    },
  };
}

/** The connection ended before the first byte of an answer. */
class Unanswered extends Error {}

function asRemoteError(error: unknown, host: string): HeliostatError {
  return error instanceof Unanswered
    ? networkError(error.cause, host, false)
    : networkError(error, host, true);
}

function dispatch<T>(
  pool: Pool,
  request: HttpRequest,
  readHead: ReadHead<T>,
  { limits, signal }: { limits: RemoteLimits; signal: AbortSignal },
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const releases: (() => void)[] = [];
  const idleMs = request.isWrite === true ? 0 : (request.idleMs ?? limits.idleMs);
  let controller: Dispatcher.DispatchController | undefined;
  let body: BodySink | undefined;
  let stopped: Error | undefined;

  // The first reason wins: the connection then fails with it, or with something that it caused.
  function stop(reason: unknown): void {
    stopped ??= reason instanceof Error ? reason : new Error(String(reason));
    reject(stopped);
    controller?.abort(stopped);
  }
  const attempt = (step: () => void) => {
    if (stopped !== undefined) return;
    try {
      step();
    } catch (error) {
      stop(error);
    }
  };
  const cancel = () => stop(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  releases.push(() => signal.removeEventListener("abort", cancel));

  pool.dispatch(
    {
      method: request.method,
      path: request.path,
      headers: request.headers,
      body: request.body ?? null,
      headersTimeout: idleMs,
      bodyTimeout: idleMs,
    },
    {
      onRequestStart(started) {
        controller = started;
        // It may have waited for a connection past its time.
        if (stopped !== undefined) started.abort(stopped);
      },
      onResponseStart(flow, status, headers) {
        if (status < 200) return;
        attempt(() => {
          const header = (name: string) => [headers[name]].flat()[0];
          const reader = readHead({ status, header, headers });
          const end = () => resolve(reader.end());
          const plain = limitBody({ push: (chunk) => reader.push(chunk), end }, limits.answerBytes);
          const encoding = header("content-encoding")?.toLowerCase() ?? "identity";
          if (encoding === "identity") {
            body = plain;
          } else if (encoding === "gzip" || encoding === "x-gzip") {
            const unzipped = gunzipBody(plain, {
              pause: () => flow.pause(),
              resume: () => flow.resume(),
              fail: stop,
              onOver: (release) => releases.push(release),
            });
            body = limitBody(unzipped, limits.answerBytes);
          } else {
            throw new HeliostatError(
              "remote-not-git",
              "The remote's answer has an encoding that was not asked for.",
            );
          }
        });
      },
      onResponseData(_flow, chunk) {
        attempt(() => body?.push(chunk));
      },
      onResponseEnd() {
        attempt(() => body?.end());
      },
      onResponseError(_flow, error) {
        stop(body === undefined && isDropped(error) ? new Unanswered("no answer", { cause: error }) : error);
      },
    },
  );
  return promise.finally(() => {
    for (const release of releases) release();
  });
}
