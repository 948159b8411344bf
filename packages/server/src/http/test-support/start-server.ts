import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { Log } from "../../app/ports.ts";
import type { UseCases } from "../../app/use-cases.ts";
import { createHttpServer, type HttpServerOptions } from "../create-http-server.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; fails the test when it is none. */
  json<T = Record<string, unknown>>(): T;
}

export interface AskOptions {
  readonly headers?: Record<string, string | number>;
  readonly body?: string | Buffer;
  /** Sent as `PRIVATE-TOKEN`. */
  readonly token?: string;
}

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly log: readonly LogLine[];
  /** Sends the path byte for byte, over a connection of its own. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

/** A server on a port of its own, for one test file or one test. */
export async function startServer(
  useCases: UseCases,
  options: Partial<Pick<HttpServerOptions, "settings" | "limits">> = {},
): Promise<RunningServer> {
  const lines: LogLine[] = [];
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } });
  };
  const log: Log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const server = await createHttpServer({
    useCases,
    log,
    settings: options.settings ?? { externalUrl: "https://git.example.org" },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const port = Number(new URL(url).port);
  return {
    port,
    url,
    log: lines,
    ask: (method, path, asked) => ask(port, method, path, asked),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function ask(port: number, method: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const headers: Record<string, string | number> = { ...options.headers };
  if (options.token !== undefined) headers["private-token"] = options.token;
  if (options.body !== undefined && headers["transfer-encoding"] === undefined) {
    headers["content-length"] ??= Buffer.byteLength(options.body);
  }
  const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: false });
  request.end(options.body);
  const [response] = await once(request, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  return { status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) };
}
