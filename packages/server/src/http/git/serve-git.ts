import { finished, pipeline } from "node:stream/promises";
import type { ErrorCode } from "@heliostat/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { GitService } from "../../app/git-exchange.ts";
import type { OpenRepository } from "../../app/use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { authenticateGit } from "../authenticate.ts";
import type { HttpDoor } from "../http-door.ts";
import { isFault } from "../on-error.ts";
import { requestError } from "../request-error.ts";
import { rememberUser, reportFault } from "../request-log.ts";
import { whereFrom } from "../where-from.ts";
import { createGitAnswer, gitHeaders } from "./git-answer.ts";
import { openGitRequestBody } from "./git-request-body.ts";
import type { GitPath } from "./parse-git-path.ts";

const FLUSH_PACKET = "0000";
const NONSENSE: ReadonlySet<ErrorCode> = new Set(["remote-not-git", "remote-closed"]);

/**
 * Answers one request of git's smart HTTP protocol. Throws while the answer can still be an error; from its first byte
 * on, an error ends the connection, which git reports to its user.
 */
export async function serveGit(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  target: GitPath,
): Promise<FastifyReply> {
  if (target.kind === "dumb") throw dumbProtocol();
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead !== (target.kind === "advertise")) throw requestError(405, "This is not how git asks for this.");
  const service = target.kind === "serve" ? target.service : readService(request);
  if (target.kind === "serve") requireContentType(request, service);
  // Without a listener for it, Node destroys the socket when this time is over.
  request.raw.setTimeout(door.limits.gitIdleTimeoutMs);

  const principal = await authenticateGit(door.useCases, {
    headers: request.headers,
    from: whereFrom(request),
  });
  rememberUser(request, principal);
  const repository = await door.useCases.openRepository(principal, target.fullPath, service);
  const protocol = readProtocol(request);
  return target.kind === "advertise"
    ? await advertise(door, request, reply, { repository, service, protocol })
    : await serve(door, request, reply, { repository, service, protocol });
}

interface Exchange {
  readonly repository: OpenRepository;
  readonly service: GitService;
  readonly protocol: string | null;
}

async function advertise(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  { repository, service, protocol }: Exchange,
): Promise<FastifyReply> {
  const contentType = `application/x-git-${service}-advertisement`;
  if (request.method === "HEAD") {
    return reply.headers(gitHeaders(contentType)).send();
  }
  const controller = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort(clientGone());
  });
  let hasStarted = false;
  const answer = createGitAnswer(reply.raw, {
    signal: controller.signal,
    contentType,
    paceMs: door.limits.gitFetchPaceMs,
    onSlow: () => controller.abort(clientSlow()),
    // Version 2 leaves the name of the service out; only fetches have a version 2.
    ...(service === "upload-pack" && isVersion2(protocol)
      ? {}
      : { prefix: Buffer.from(packetLine(`# service=git-${service}\n`) + FLUSH_PACKET) }),
    onStart: () => {
      hasStarted = true;
      reply.hijack();
    },
  });
  try {
    const refs = await repository.advertise({ protocol, signal: controller.signal });
    await pipeline(Buffer.isBuffer(refs) ? [refs] : refs, answer);
    if (!hasStarted) throw new HeliostatError("git-failed", "git advertised nothing");
    reply.raw.end();
  } catch (error) {
    endBroken(door, request, reply, controller.signal, error, hasStarted);
  }
  return reply;
}

async function serve(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  { repository, service, protocol }: Exchange,
): Promise<FastifyReply> {
  const isFetch = service === "upload-pack";
  const controller = new AbortController();
  const waiting = new AbortController();
  const maxBytes = isFetch ? door.limits.fetchRequestBytes : null;
  const paceMs = isFetch ? door.limits.gitFetchPaceMs : door.limits.gitPushPaceMs;
  const input = openGitRequestBody(request.raw, { maxBytes, paceMs }, (error) => controller.abort(error));
  reply.raw.once("close", () => {
    // A push that came in whole goes on: its refs and what follows from them are to be one thing.
    if (reply.raw.writableFinished) return;
    waiting.abort(clientGone());
    if (isFetch || !request.raw.complete) controller.abort(clientGone());
  });
  let hasStarted = false;
  const contentType = `application/x-git-${service}-result`;
  const answer = createGitAnswer(reply.raw, {
    signal: controller.signal,
    contentType,
    paceMs: door.limits.gitFetchPaceMs,
    onSlow: () => controller.abort(clientSlow()),
    onStart: () => {
      hasStarted = true;
      reply.hijack();
    },
  });
  try {
    const exchange = { protocol, signal: controller.signal, whileWaiting: waiting.signal };
    await repository.serve(input, answer, exchange).catch(refuseNonsense);
    if (!answer.writableEnded) answer.end();
    await finished(answer);
    // git has nothing to say to the probe in front of a large push.
    if (!hasStarted) return reply.headers(gitHeaders(contentType)).send();
    reply.raw.end();
  } catch (error) {
    endBroken(door, request, reply, controller.signal, error, hasStarted);
  } finally {
    input.destroy();
  }
  return reply;
}

/**
 * What stopped an exchange: the reason of the abort where there is one, for then git's own complaint only follows
 * from it. Thrown on while it can still be answered.
 */
function endBroken(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
  error: unknown,
  hasStarted: boolean,
): void {
  const cause: unknown = signal.aborted ? signal.reason : error;
  if (!hasStarted) throw cause;
  if (isFault(cause)) reportFault(door.log, request, cause);
  reply.raw.destroy();
}

/**
 * What git complains of in a request it words as it does about a remote's answer. Here the other side is the client,
 * and the words for operators of mirrors would send it looking elsewhere.
 */
function refuseNonsense(error: unknown): never {
  if (error instanceof HeliostatError && NONSENSE.has(error.code)) {
    throw requestError(400, "The request is not what Git sends.");
  }
  throw error;
}

function clientGone(): HeliostatError {
  return new HeliostatError("cancelled", "The client went away.");
}

function clientSlow(): HeliostatError {
  return new HeliostatError("cancelled", "The client takes the answer too slowly.");
}

function dumbProtocol(): Error {
  return requestError(
    403,
    "Only git's smart HTTP protocol is served here; your client is too old or was told not to use it.",
  );
}

function readService(request: FastifyRequest): GitService {
  const { service } = request.query as Record<string, unknown>;
  if (service === undefined) throw dumbProtocol();
  if (service === "git-upload-pack") return "upload-pack";
  if (service === "git-receive-pack") return "receive-pack";
  throw requestError(403, "This service is not served here.");
}

/** A browser cannot send these types to another site, so no page can make a signed-in browser push. */
function requireContentType(request: FastifyRequest, service: GitService): void {
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== `application/x-git-${service}-request`) {
    throw requestError(415, `The content type is not application/x-git-${service}-request.`);
  }
}

/** The value for `GIT_PROTOCOL`: what could not be one is taken as absent, which means version 0. */
function readProtocol(request: FastifyRequest): string | null {
  const value = request.headers["git-protocol"];
  return typeof value === "string" && /^[A-Za-z0-9=:._-]{1,200}$/.test(value) ? value : null;
}

function isVersion2(protocol: string | null): boolean {
  return protocol?.split(":").includes("version=2") ?? false;
}

function packetLine(text: string): string {
  return (text.length + 4).toString(16).padStart(4, "0") + text;
}
