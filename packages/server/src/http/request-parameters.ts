import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { HeliostatError } from "../domain/errors.ts";
import { requestError } from "./request-error.ts";

/** Parameters as they came, under their names; without a prototype, so that no name is special. */
export type RawParameters = Record<string, unknown>;

/** Deeper nesting than any client sends; keeps a hostile key from costing more than its length. */
const MAX_DEPTH = 8;

/**
 * Reads `a=1&b[]=x&b[]=y&c[d]=z` as Rack does. An array of objects (`k[][a]=1&k[][b]=2`) starts a new element only
 * when a key repeats: one client library depends on that. Never throws: of contradictions the last one wins.
 */
export function parseNestedParameters(text: string): RawParameters {
  return nestParameters(new URLSearchParams(text));
}

function nestParameters(pairs: Iterable<readonly [string, unknown]>): RawParameters {
  const parameters = emptyParameters();
  for (const [key, value] of pairs) {
    const path = splitKey(key);
    if (path.length <= MAX_DEPTH) put(parameters, path, value);
  }
  return parameters;
}

function emptyParameters(): RawParameters {
  return Object.create(null) as RawParameters;
}

/** `k[][a]` → `["k", "", "a"]`; what is no well-formed nesting is a name as it stands. */
function splitKey(key: string): readonly string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])+)$/.exec(key);
  if (match?.[1] === undefined || match[2] === undefined) return [key];
  return [match[1], ...match[2].slice(1, -1).split("][")];
}

function put(target: RawParameters, path: readonly string[], value: unknown): void {
  const [name, next, ...rest] = path;
  if (name === undefined) return;
  if (next === undefined) {
    target[name] = value;
    return;
  }
  if (next !== "") {
    const existing = target[name];
    const object = isParameters(existing) ? existing : emptyParameters();
    target[name] = object;
    put(object, [next, ...rest], value);
    return;
  }
  const existing = target[name];
  const list: unknown[] = Array.isArray(existing) ? existing : [];
  target[name] = list;
  const [key] = rest;
  if (key === undefined) {
    list.push(value);
    return;
  }
  const last = list.at(-1);
  const element = isParameters(last) && !(key in last) ? last : emptyParameters();
  if (element !== last) list.push(element);
  put(element, rest, value);
}

function isParameters(value: unknown): value is RawParameters {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One set of parameters from all places they may stand in; a later place wins. Anything but an object has none. */
export function mergeParameters(...places: readonly unknown[]): RawParameters {
  const merged = emptyParameters();
  for (const place of places) {
    if (isParameters(place)) Object.assign(merged, place);
  }
  return merged;
}

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the moment at which reading starts to the last byte: a body that trickles in holds no memory for long. */
  readonly timeoutMs: number;
}

/**
 * Reads a whole API body and gives its parameters: JSON, form or multipart (simple fields). An empty body has none,
 * whatever its type; so has JSON that is no object. Request errors: 400, 408, 413, 415.
 */
export async function readBodyParameters(
  payload: Readable,
  headers: IncomingMessage["headers"],
  limits: BodyLimits,
): Promise<RawParameters> {
  return await parseBody(await readBody(payload, headers, limits), headers);
}

/** The parameters in a body that was read. */
export async function parseBody(body: Buffer, headers: IncomingMessage["headers"]): Promise<RawParameters> {
  if (body.length === 0) return emptyParameters();
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw requestError(415, "The request body may not be compressed");
  }
  const contentType = headers["content-type"] ?? "application/x-www-form-urlencoded";
  const mediaType = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (mediaType === "application/json" || mediaType.endsWith("+json")) return parseJson(body);
  if (mediaType === "application/x-www-form-urlencoded") return parseNestedParameters(body.toString("utf8"));
  if (mediaType === "multipart/form-data") return parseMultipart(body, contentType);
  throw requestError(415, `The provided content-type '${mediaType}' is not supported.`);
}

/** Reads a body whole. Request errors: 408, 413. */
export async function readBody(
  payload: Readable,
  headers: IncomingMessage["headers"],
  limits: BodyLimits,
): Promise<Buffer> {
  if (Number(headers["content-length"] ?? 0) > limits.maxBytes) throw tooLarge(limits);
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (act: () => void): void => {
      clearTimeout(deadline);
      payload.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      // A late error of a stream that nobody reads any more would otherwise end the process.
      payload.on("error", () => {});
      act();
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > limits.maxBytes) settle(() => reject(tooLarge(limits)));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks, length)));
    const onGone = (): void => settle(() => reject(new HeliostatError("cancelled", "The client went away.")));
    const deadline = setTimeout(
      () => settle(() => reject(requestError(408, "The request body took too long"))),
      limits.timeoutMs,
    );
    payload.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

function tooLarge(limits: BodyLimits): Error {
  return requestError(413, `The request body is larger than ${limits.maxBytes} bytes`);
}

function parseJson(body: Buffer): RawParameters {
  try {
    return mergeParameters(JSON.parse(body.toString("utf8")));
  } catch {
    throw requestError(400, "The request body is not valid JSON");
  }
}

/** The platform's own parser: one client sends an update of a user this way, and nothing sends files here. */
async function parseMultipart(body: Buffer, contentType: string): Promise<RawParameters> {
  try {
    const form = await new Response(new Uint8Array(body), {
      headers: { "content-type": contentType },
    }).formData();
    return nestParameters([...form].filter(([, value]) => typeof value === "string"));
  } catch {
    throw requestError(400, "The request body is not valid multipart/form-data");
  }
}
