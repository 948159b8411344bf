import { randomUUID } from "node:crypto";
import Fastify, { type FastifyInstance } from "fastify";
import type { Log } from "../app/ports.ts";
import type { UseCases } from "../app/use-cases.ts";
import { HeliostatError } from "../domain/errors.ts";
import { answerApiError, registerApi } from "./api-route.ts";
import { endUnreadBodies } from "./end-unread-bodies.ts";
import { HTTP_LIMITS, type HttpDoor, type HttpLimits } from "./http-door.ts";
import { registerApiDocument } from "./openapi/register-api-document.ts";
import { registerOpenIdConnect } from "./openid-connect/routes.ts";
import { answerTextError, registerPages } from "./pages.ts";
import { logRequest } from "./request-log.ts";
import { parseNestedParameters } from "./request-parameters.ts";
import { personalAccessTokenRoutes } from "./routes/access-tokens/personal-routes.ts";
import { resourceAccessTokenRoutes } from "./routes/access-tokens/resource-routes.ts";
import { applicationSettingsRoutes } from "./routes/application-settings/routes.ts";
import { auditEventRoutes } from "./routes/audit-events/routes.ts";
import { connectionTestRoutes } from "./routes/connection-tests/routes.ts";
import { credentialRoutes } from "./routes/credentials/routes.ts";
import { eventRoutes } from "./routes/events/routes.ts";
import { groupRoutes } from "./routes/groups/routes.ts";
import { registerMetrics } from "./routes/health/metrics.ts";
import { registerHealth } from "./routes/health/routes.ts";
import { hookRoutes } from "./routes/hooks/routes.ts";
import { hostKeyRoutes } from "./routes/host-keys/routes.ts";
import { identityRoutes } from "./routes/identities/routes.ts";
import { instanceRoutes } from "./routes/instance/routes.ts";
import { memberRoutes } from "./routes/members/routes.ts";
import { mirrorAttentionRoutes } from "./routes/mirror-attention/routes.ts";
import { hookSecretRoutes } from "./routes/mirror-hooks/routes.ts";
import { mirrorHostRoutes } from "./routes/mirror-hosts/routes.ts";
import { mirrorInsightRoutes } from "./routes/mirror-insight/routes.ts";
import { mirrorUpdateRoutes } from "./routes/mirror-updates/routes.ts";
import { mirrorRoutes } from "./routes/mirrors/routes.ts";
import { namespaceRoutes } from "./routes/namespaces/routes.ts";
import { pipelineTriggerRoutes } from "./routes/pipeline-triggers/routes.ts";
import { projectRoutes } from "./routes/projects/routes.ts";
import { protectedBranchRoutes } from "./routes/protected-branches/routes.ts";
import { protectedTagRoutes } from "./routes/protected-tags/routes.ts";
import { pullMirrorRoutes } from "./routes/pull-mirror/routes.ts";
import { remoteMirrorRoutes } from "./routes/remote-mirrors/routes.ts";
import { repositoryCommitRoutes } from "./routes/repository-commits/routes.ts";
import { repositoryFileRoutes } from "./routes/repository-files/routes.ts";
import { repositoryRefRoutes } from "./routes/repository-refs/routes.ts";
import { secretRoutes } from "./routes/secrets/routes.ts";
import { sessionRoutes } from "./routes/sessions/routes.ts";
import { registerSessions } from "./routes/sessions/web-routes.ts";
import { deployKeyRoutes } from "./routes/ssh-keys/deploy-key-routes.ts";
import { userKeyRoutes } from "./routes/ssh-keys/user-key-routes.ts";
import { triggerTokenRoutes } from "./routes/trigger-tokens/routes.ts";
import { twoFactorRoutes } from "./routes/two-factor/routes.ts";
import { userRoutes } from "./routes/users/routes.ts";

export interface HttpServerOptions {
  readonly useCases: UseCases;
  readonly log: Log;
  readonly settings: {
    /** URLs in answers start with it. */
    readonly externalUrl: string;
    /** Folder of the built web interface; null or absent: none. */
    readonly webRoot?: string | null;
    /** Addresses and ranges of the proxies whose `X-Forwarded-*` are believed; none by default. */
    readonly trustedProxies?: readonly string[];
  };
  readonly limits?: Partial<HttpLimits>;
}

/**
 * The HTTP door: API, smart HTTP, health and the web interface; call `listen` on it. Closing it refuses new requests,
 * lets what is under way end, and cuts what has not ended after the drain time.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { useCases, log, settings } = options;
  const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits };
  const closing = new AbortController();
  const door: HttpDoor = {
    useCases,
    log,
    // Read anew each time: with port 0 it is known only once the server listens.
    get externalUrl() {
      return settings.externalUrl.replace(/\/+$/, "");
    },
    limits,
    closing: closing.signal,
  };

  const server = Fastify({
    logger: false,
    genReqId: () => randomUUID(),
    trustProxy: settings.trustedProxies?.length ? [...settings.trustedProxies] : false,
    forceCloseConnections: "idle",
    // A push may take hours; its door counts idle time instead, and API bodies have a deadline of their own.
    requestTimeout: 0,
    // Longer than the minute after which load balancers drop a connection, so that they never use one we just closed.
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
    },
    routerOptions: {
      // One client library asks for `//api/v4/…` when its host ends with a slash; a redirect would break its POSTs.
      ignoreDuplicateSlashes: true,
      ignoreTrailingSlash: true,
      // Paths of nested groups and files come as one encoded parameter; Node bounds the whole header already.
      maxParamLength: 16_384,
      querystringParser: parseNestedParameters,
    },
    frameworkErrors: (error, request, reply) => {
      if (request.originalUrl.startsWith("/api")) answerApiError(door, error, request, reply);
      else answerTextError(door, error, request, reply);
    },
  });

  server.addHook("onRequest", async (request, reply) => {
    const startedAt = performance.now();
    reply.raw.setHeader("x-request-id", request.id);
    reply.raw.once("close", () => {
      logRequest(log, request, {
        status: reply.raw.statusCode,
        isComplete: reply.raw.writableFinished,
        durationMs: performance.now() - startedAt,
      });
    });
  });
  endUnreadBodies(server, limits);
  server.setErrorHandler((error, request, reply) => answerTextError(door, error, request, reply));
  server.setNotFoundHandler((request, reply) =>
    answerTextError(door, new HeliostatError("not-found", "Not found"), request, reply),
  );
  closeAfter(server, limits.drainTimeoutMs);
  server.addHook("preClose", async () => closing.abort());

  await registerHealth(server, door);
  await registerMetrics(server, door);
  const routes = [
    ...instanceRoutes,
    ...applicationSettingsRoutes,
    ...auditEventRoutes,
    ...mirrorAttentionRoutes,
    ...mirrorInsightRoutes,
    ...secretRoutes,
    ...userRoutes,
    ...sessionRoutes,
    ...twoFactorRoutes,
    ...identityRoutes,
    ...personalAccessTokenRoutes,
    ...resourceAccessTokenRoutes,
    ...userKeyRoutes,
    ...deployKeyRoutes,
    ...namespaceRoutes,
    ...groupRoutes,
    ...memberRoutes,
    ...projectRoutes,
    ...protectedBranchRoutes,
    ...protectedTagRoutes,
    ...remoteMirrorRoutes,
    ...pullMirrorRoutes,
    ...mirrorRoutes,
    ...triggerTokenRoutes,
    ...hookSecretRoutes,
    ...hookRoutes,
    ...pipelineTriggerRoutes,
    ...hostKeyRoutes,
    ...mirrorHostRoutes,
    ...credentialRoutes,
    ...connectionTestRoutes,
    ...eventRoutes,
    ...mirrorUpdateRoutes,
    ...repositoryRefRoutes,
    ...repositoryCommitRoutes,
    ...repositoryFileRoutes,
  ];
  await registerApi(server, door, routes);
  registerApiDocument(server, door, routes);
  await registerSessions(server, door);
  await registerOpenIdConnect(server, door);
  await registerPages(server, door, settings.webRoot ?? null);
  return server;
}

/** Closing waits for open requests, but not for ever. */
function closeAfter(server: FastifyInstance, timeoutMs: number): void {
  let timer: NodeJS.Timeout | undefined;
  server.addHook("preClose", async () => {
    timer = setTimeout(() => server.server.closeAllConnections(), timeoutMs);
  });
  server.addHook("onClose", async () => clearTimeout(timer));
}
