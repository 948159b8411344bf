import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { API_PREFIX, type ApiRoute, namesTag } from "../api-route.ts";
import type { HttpDoor } from "../http-door.ts";
import { describeApi } from "./api-document.ts";
import { API_PAGE_HEADERS, renderApiPage } from "./api-page.ts";

/** Below `-`, which no namespace can be called. */
const PAGE = "/-/api";

/**
 * Serves the description of these routes, to anyone: `/api/v4/openapi.json` for programs, `/-/api` for people. Both are
 * made when they are first asked for.
 */
export function registerApiDocument(
  server: FastifyInstance,
  door: HttpDoor,
  routes: readonly ApiRoute[],
): void {
  const text = once(() => {
    const { version } = door.useCases.readVersion();
    const document = describeApi(routes, { version, url: door.externalUrl + API_PREFIX });
    return { json: withTag(JSON.stringify(document)), page: withTag(renderApiPage(document)) };
  });
  const jsonHeaders = {
    "content-type": "application/json",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
  };
  server.get(`${API_PREFIX}/openapi.json`, (request, reply) =>
    send(reply.headers(jsonHeaders), text().json, request.headers["if-none-match"]),
  );
  server.get(PAGE, (request, reply) =>
    send(reply.headers(API_PAGE_HEADERS), text().page, request.headers["if-none-match"]),
  );
}

interface Tagged {
  readonly bytes: Buffer;
  readonly tag: string;
}

function withTag(text: string): Tagged {
  const bytes = Buffer.from(text);
  return { bytes, tag: `"${createHash("sha1").update(bytes).digest("hex")}"` };
}

function send(reply: FastifyReply, { bytes, tag }: Tagged, ifNoneMatch = ""): FastifyReply {
  reply.headers({ "cache-control": "no-cache", etag: tag });
  return namesTag(ifNoneMatch, tag) ? reply.code(304).send() : reply.send(bytes);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
