import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { TokenScope } from "@heliostat/contract";
import { DEFAULT_PER_PAGE } from "@heliostat/contract/api/parameters.ts";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { z } from "zod";
import { requireScope } from "../app/access.ts";
import type { Webhook } from "../app/mirror-hooks/webhook.ts";
import type { Page, Part, Window } from "../app/ports.ts";
import type { UseCases } from "../app/use-cases.ts";
import { asHeliostatError, HeliostatError } from "../domain/errors.ts";
import type { Principal } from "../domain/user.ts";
import type {
  AnswerFor,
  ApiAnswer,
  BodyAnswer,
  DeclaredAnswer,
  DownloadAnswer,
  EventsAnswer,
  HeadAnswer,
  ListAnswer,
  NothingAnswer,
  PartAnswer,
  RawAnswer,
  TaggedAnswer,
  UncountedAnswer,
} from "./api-answer.ts";
import { authenticateApi, readTriggerToken } from "./authenticate.ts";
import { authenticateSession } from "./authenticate-session.ts";
import { checkParameters, type ParameterRules } from "./check-parameters.ts";
import type { HttpDoor } from "./http-door.ts";
import { apiAnswerTo, type ErrorForm, isFault } from "./on-error.ts";
import { type NextPart, paginationHeaders, uncountedHeaders } from "./pagination.ts";
import { isRequestError } from "./request-error.ts";
import { rememberUser, reportFault } from "./request-log.ts";
import { requestOrigin } from "./request-origin.ts";
import {
  type BodyLimits,
  mergeParameters,
  parseBody,
  type RawParameters,
  readBody,
  readBodyParameters,
} from "./request-parameters.ts";
import { type Download, sendDownload } from "./send-download.ts";
import { type ServerSentEvent, sendEvents } from "./send-events.ts";
import { keepBody, readWebhook } from "./webhook.ts";
import { whereFrom } from "./where-from.ts";

const SCOPES: Readonly<Record<Exclude<RouteAccess, "token" | "trigger-token">, readonly TokenScope[]>> = {
  anyone: ["api", "read_api"],
  read_code: ["api", "read_api", "read_repository"],
  read_api: ["api", "read_api"],
  api: ["api"],
};

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Where the API stands, for every route. */
export const API_PREFIX = "/api/v4";

/** What a route's handler gets. */
export interface ApiContext<P> {
  readonly useCases: UseCases;
  readonly principal: Principal;
  readonly params: P;
  /** The one that came, for routes that take one; null: none, and the principal is who they say. */
  readonly triggerToken: string | null;
  /** For routes that take them; null: it is none. */
  readonly webhook: Webhook | null;
  /** What `If-None-Match` says; empty where there is none. */
  readonly ifNoneMatch: string;
  /** The time in `If-Unmodified-Since`; null where there is none that can be read. */
  readonly unmodifiedSince: Date | null;
  /** Base of the URLs in answers, without a slash at the end. */
  readonly externalUrl: string;
  /** Whether the client asks for server-sent events (`Accept: text/event-stream`). */
  readonly wantsEvents: boolean;
  /** The number in `Last-Event-ID`; null where there is none. */
  readonly lastEventId: number | null;
  /** Whether only the headers of the answer are wanted (`HEAD`). */
  readonly isHead: boolean;
  /** A signal that fires when the client goes away, or the server is about to. */
  readonly untilGone: () => AbortSignal;
}

type RouteAccess = "anyone" | "read_code" | "read_api" | "api" | "token" | "trigger-token";
type RouteMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface ApiRouteOptions<S extends z.ZodType, A extends DeclaredAnswer, M extends RouteMethod>
  extends ErrorForm,
    ParameterRules {
  readonly method: M;
  /** Below `/api/v4`, in GitLab's form: `/projects/:id`. */
  readonly path: string;
  /**
   * Who may come this far: `anyone`, or somebody who signed in — with a token of this scope (`read_api`: or `api`;
   * `token`: any token, which may always look at itself). `read_code`: anyone, but a token has to have a scope that
   * lets it look into repositories. `trigger-token`: whoever comes is nobody, and has a trigger token or not. The use
   * cases decide the rest.
   */
  readonly access: RouteAccess;
  /** Whether a trigger token does in the place of that. */
  readonly orTriggerToken?: boolean;
  /** Whether other forges send webhooks there: one of nobody is let in, for what it proves itself. */
  readonly takesWebhooks?: boolean;
  /** It puts another secret in the place of the one that it is asked with. */
  readonly rotatesToken?: boolean;
  /** Whether it is there for somebody too who has to set up a second factor before anything else. */
  readonly unfinished?: boolean;
  /** Over the parameters of path, body and query together; what it does not know is ignored. */
  readonly params: S;
  /** What it does, in a few words: `List the push mirrors of a project`. */
  readonly summary: string;
  /** What it answers when all goes well. What the handler gives has to be that. */
  readonly answer: A;
  readonly handle: (context: ApiContext<z.output<S>>) => Promise<AnswerFor<A, M>>;
}

/** A declared route; `apiRoute` makes one. */
export interface ApiRoute {
  readonly method: RouteMethod;
  readonly path: string;
  readonly access: RouteAccess;
  readonly rotatesToken: boolean;
  readonly orTriggerToken: boolean;
  readonly takesWebhooks: boolean;
  readonly unfinished: boolean;
  readonly form: ErrorForm;
  readonly summary: string;
  readonly answer: DeclaredAnswer;
  readonly params: z.ZodType;
  readonly rules: ParameterRules;
  readonly run: (context: ApiContext<RawParameters>) => Promise<ApiAnswer>;
}

/** Declares one route of the API. Everything that clients expect of every route is done for it. */
export function apiRoute<S extends z.ZodType, A extends DeclaredAnswer, M extends RouteMethod>(
  options: ApiRouteOptions<S, A, M>,
): ApiRoute {
  return {
    method: options.method,
    path: options.path,
    access: options.access,
    rotatesToken: options.rotatesToken ?? false,
    orTriggerToken: options.orTriggerToken ?? false,
    takesWebhooks: options.takesWebhooks ?? false,
    unfinished: options.unfinished ?? false,
    form: options,
    summary: options.summary,
    answer: options.answer,
    params: options.params,
    rules: options,
    run: async (context) =>
      await options.handle({ ...context, params: checkParameters(options.params, context.params, options) }),
  };
}

/** 200 with one thing. */
export function ok<B>(body: B): BodyAnswer<B, 200> {
  return { kind: "body", status: 200, body };
}

/** 201 with what was made. */
export function created<B>(body: B): BodyAnswer<B, 201> {
  return { kind: "body", status: 201, body };
}

/** 202: it will be done, and is not yet. */
export function accepted<B>(body: B): BodyAnswer<B, 202> {
  return { kind: "body", status: 202, body };
}

/** 204. */
export function noContent(): NothingAnswer {
  return { kind: "nothing" };
}

/** A stream of events, until they end. */
export function events(source: AsyncIterable<ServerSentEvent>): EventsAnswer {
  return { kind: "events", events: source };
}

/** A file, sent while it is made. */
export function download(file: Download): DownloadAnswer {
  return { kind: "download", download: file };
}

/** One page of a list whose store pages itself. */
export function list<T>(items: readonly T[], page: Page, total: number): ListAnswer<T> {
  return { kind: "list", items, page, total };
}

/** One page of a list that nobody has counted; whether another one follows is known. */
export function uncounted<T>(items: readonly T[], next: NextPart): UncountedAnswer<T> {
  return { kind: "uncounted", items, next };
}

/** A part of a long list, by its page or behind a cursor, whichever was asked for. */
export function partOfList<T, B>(
  part: Part<T>,
  window: Window,
  present: (item: T) => B,
): ListAnswer<B> | UncountedAnswer<B> {
  const items = part.items.map(present);
  if ("cursor" in window) {
    const { perPage } = window;
    return uncounted(items, { kind: "token", parameter: "cursor", perPage, token: part.next });
  }
  if (part.total !== null) return list(items, window, part.total);
  return uncounted(items, { kind: "page", page: window, hasMore: part.next !== null });
}

/**
 * An answer that the client may keep and ask about: it has an `ETag`, and is not sent again to one that names it
 * (`If-None-Match`). It is made all the same, for only then is it known that the client may still see it.
 */
export function tagged<A>(answer: A, headers: Readonly<Record<string, string>> = {}): TaggedAnswer<A> {
  return { kind: "tagged", answer, headers };
}

/** To `HEAD` only, where making what `GET` answers would be for nothing. */
export function forHead(answer: RawAnswer | NothingAnswer): HeadAnswer {
  return { kind: "head", answer };
}

/** Bytes of any kind. */
export function raw(headers: Readonly<Record<string, string>>, body: Buffer | Readable): RawAnswer {
  return { kind: "raw", headers, body };
}

/** One thing with a page of a list of its own; the headers are about that list. */
export function part<B>(body: B, page: Page, total: number): PartAnswer<B> {
  return { kind: "part", body, page, total };
}

/** One page of a list that is short enough to be had whole. */
export function pageOf<T>(items: readonly T[], page: Page): ListAnswer<T> {
  return list(cutPage(items, page), page, items.length);
}

/** What stands on the page. */
export function cutPage<T>(items: readonly T[], { page, perPage }: Page): readonly T[] {
  return items.slice((page - 1) * perPage, page * perPage);
}

/** The page that the parameters ask for. */
export function pageFrom(params: {
  readonly page?: number | undefined;
  readonly per_page?: number | undefined;
}): Page {
  return { page: params.page ?? 1, perPage: params.per_page ?? DEFAULT_PER_PAGE };
}

/** The same for lists that are paged by keyset too (`pagination=keyset`); its links carry the cursor. */
export function windowFrom(
  params: Parameters<typeof pageFrom>[0] & {
    readonly pagination?: string | undefined;
    readonly cursor?: string | undefined;
  },
): Window {
  const page = pageFrom(params);
  if (params.pagination !== "keyset") return page;
  return { cursor: params.cursor ?? null, perPage: page.perPage };
}

/**
 * Registers the API: the routes, 405 for their paths with other verbs, 404 for everything else below `/api`. Bodies
 * of every type are read here, so that none of Fastify's own parsers refuses what GitLab's clients send.
 */
export async function registerApi(
  server: FastifyInstance,
  door: HttpDoor,
  routes: readonly ApiRoute[],
): Promise<void> {
  const limits: BodyLimits = { maxBytes: door.limits.apiBodyBytes, timeoutMs: door.limits.apiBodyTimeoutMs };
  const plugin: FastifyPluginAsync = async (api) => {
    api.removeAllContentTypeParsers();
    const hooked = new Set(routes.filter(({ takesWebhooks }) => takesWebhooks).map(nameOfRoute));
    api.addContentTypeParser("*", async (request: FastifyRequest, payload: FastifyRequest["raw"]) => {
      if (!hooked.has(`${request.method} ${request.routeOptions.url}`)) {
        return await readBodyParameters(payload, request.headers, limits);
      }
      const body = await readBody(payload, request.headers, {
        ...limits,
        maxBytes: door.limits.hookBodyBytes,
      });
      keepBody(request, body);
      // A forge's long body has no parameters, and is parsed only once it has proved where it is from.
      return body.length > limits.maxBytes ? {} : await parseBody(body, request.headers);
    });
    api.setErrorHandler((error, request, reply) => answerApiError(door, error, request, reply));

    const methodsOf = new Map<string, Set<HTTPMethods>>();
    for (const route of routes) {
      api.route({
        method: route.method,
        url: API_PREFIX + route.path,
        handler: (request, reply) => runRoute(door, route, request, reply),
      });
      const methods = methodsOf.get(route.path) ?? new Set<HTTPMethods>();
      methodsOf.set(route.path, methods.add(route.method));
      if (route.method === "GET") methods.add("HEAD");
    }
    for (const [path, methods] of methodsOf) {
      api.route({
        method: METHODS.filter((method) => !methods.has(method)),
        url: API_PREFIX + path,
        handler: (_request, reply) =>
          sendJson(reply.header("allow", [...methods].join(", ")), 405, { error: "405 Not Allowed" }),
      });
    }
    for (const url of ["/api", "/api/*"]) {
      api.route({
        method: [...METHODS],
        url,
        handler: (_request, reply) => sendJson(reply, 404, { error: "404 Not Found" }),
      });
    }
  };
  await server.register(plugin);
}

function nameOfRoute({ method, path }: ApiRoute): string {
  return `${method} ${API_PREFIX}${path}`;
}

async function runRoute(
  door: HttpDoor,
  route: ApiRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // Only the use cases' own refusals have the route's form: a blocked account is 403 everywhere.
  let form: ErrorForm = {};
  let isCounted = false;
  try {
    const params = mergeParameters(request.query, request.body, request.params);
    const call = { headers: request.headers, parameters: params, from: whereFrom(request) };
    const takesTrigger = route.orTriggerToken || route.access === "trigger-token";
    const triggerToken = takesTrigger ? readTriggerToken(call) : null;
    const isNobody = triggerToken !== null || route.access === "trigger-token";
    const principal: Principal = isNobody
      ? { kind: "anonymous", from: call.from }
      : await authenticateApi(door.useCases, {
          ...call,
          rotates: route.rotatesToken,
          bySession: () => authenticateSession(door, request, reply, route),
        });
    rememberUser(request, principal);
    const webhook = route.takesWebhooks ? readWebhook(request) : null;
    // A forge tells of each push: what proves itself is not counted among strangers.
    const isHook = webhook !== null && principal.kind === "anonymous";
    if (!isNobody && !isHook) {
      isCounted = true;
      await door.useCases.countApiRequest(principal);
      requireAccess(route, principal);
    }
    form = route.form;
    const answer = await route.run({
      useCases: door.useCases,
      principal,
      params,
      triggerToken,
      webhook,
      ifNoneMatch: request.headers["if-none-match"] ?? "",
      unmodifiedSince: readTime(request.headers["if-unmodified-since"]),
      externalUrl: door.externalUrl,
      wantsEvents: /\btext\/event-stream\b/i.test(request.headers.accept ?? ""),
      isHead: request.method === "HEAD",
      lastEventId: readEventId(request.headers["last-event-id"]),
      untilGone: () => untilGone(door, reply),
    });
    return await sendAnswer(door, request, reply, answer);
  } catch (error) {
    const refusal = isCounted ? error : await countStranger(door, request, error);
    return answerApiError(door, refusal, request, reply, form);
  }
}

/**
 * Counts a request for its address if what it showed was no good, and answers what to refuse it with. A good token of
 * any kind is nobody's guess: whatever it asks for, its neighbours behind the same address have no less by it.
 */
async function countStranger(door: HttpDoor, request: FastifyRequest, error: unknown): Promise<unknown> {
  const { kind } = asHeliostatError(error);
  if (isRequestError(error) || (kind !== "unauthenticated" && kind !== "not-found")) return error;
  try {
    await door.useCases.countApiRequest({ kind: "anonymous", from: whereFrom(request) });
    return error;
  } catch (tooMany) {
    return tooMany;
  }
}

function readEventId(value: string | string[] | undefined): number | null {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

function untilGone(door: HttpDoor, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (reply.raw.destroyed) gone.abort();
  else {
    reply.raw.once("close", () => {
      // After the whole answer nobody listens any more, and nearly every request comes by here.
      if (!reply.raw.writableFinished) gone.abort();
    });
  }
  return AbortSignal.any([gone.signal, door.closing]);
}

function readTime(value: string | undefined): Date | null {
  const time = new Date(value ?? "");
  return Number.isNaN(time.getTime()) ? null : time;
}

function requireAccess(route: ApiRoute, principal: Principal): void {
  const isOpen = route.access === "anyone" || route.access === "read_code";
  if (!isOpen && principal.kind === "anonymous") {
    throw new HeliostatError("unauthenticated", "This needs a token.");
  }
  if (route.access !== "token" && route.access !== "trigger-token")
    requireScope(principal, SCOPES[route.access]);
}

async function sendAnswer(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ApiAnswer,
): Promise<FastifyReply> {
  switch (answer.kind) {
    case "events":
      await sendEvents(request, reply, answer.events, (error) => reportFault(door.log, request, error));
      return reply;
    case "download":
      await sendDownload(request, reply, answer.download, (error) => reportFault(door.log, request, error));
      return reply;
    case "head":
      return await sendAnswer(door, request, reply, answer.answer);
    case "nothing":
      return reply.code(204).header("cache-control", "no-store").send();
    case "unchanged":
      return reply.code(304).headers(answer.headers).send();
    case "raw":
      return await reply.headers(answer.headers).send(answer.body);
    case "tagged":
      markTagged(reply.headers(answer.headers), request.headers["if-none-match"]);
      return await sendAnswer(door, request, reply, answer.answer);
    case "body":
      return sendJson(reply, answer.status, answer.body);
    case "uncounted": {
      const address = { origin: requestOrigin(request, door.externalUrl), target: request.originalUrl };
      return sendJson(reply.headers(uncountedHeaders(address, answer.next)), 200, answer.items);
    }
    case "list":
    case "part": {
      const address = { origin: requestOrigin(request, door.externalUrl), target: request.originalUrl };
      const headers = paginationHeaders(address, answer.page, answer.total);
      return sendJson(reply.headers(headers), 200, answer.kind === "list" ? answer.items : answer.body);
    }
  }
}

/** Answers in the API's form, and tells the log where it is a fault of ours. */
export function answerApiError(
  door: HttpDoor,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  form?: ErrorForm,
): FastifyReply {
  const answer = apiAnswerTo(error, form);
  if (isFault(error)) reportFault(door.log, request, error);
  return sendJson(reply.headers(answer.headers), answer.status, answer.body);
}

/**
 * As bytes: to a text Fastify adds a charset to the content type, and one widespread client compares the whole header
 * value with `application/json`.
 */
export function sendJson(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  const bytes = Buffer.from(JSON.stringify(body));
  const known = status === 200 ? tags.get(reply) : undefined;
  reply
    .header("cache-control", known === undefined ? "no-store" : "max-age=0, private, must-revalidate")
    .header("x-content-type-options", "nosniff");
  if (known !== undefined) {
    // The page of a list is another one when its headers are.
    const link = String(reply.getHeader("link") ?? "");
    const tag = `W/"${createHash("sha1").update(link).update(bytes).digest("hex")}"`;
    reply.header("etag", tag);
    if (namesTag(known, tag)) return reply.code(304).send();
  }
  return reply.code(status).header("content-type", "application/json").send(bytes);
}

/** Answers that have an `ETag`, with the client's `If-None-Match`. */
const tags = new WeakMap<FastifyReply, string>();

function markTagged(reply: FastifyReply, ifNoneMatch: string | undefined): void {
  tags.set(reply, ifNoneMatch ?? "");
}

/** Whether a client's `If-None-Match` names this tag, be it weak or strong there. */
export function namesTag(ifNoneMatch: string, tag: string): boolean {
  const plain = tag.replace(/^W\//, "");
  return ifNoneMatch
    .split(",")
    .some((each) => each.trim().replace(/^W\//, "") === plain || each.trim() === "*");
}
