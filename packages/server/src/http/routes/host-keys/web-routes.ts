import { webHostKeyDetectionParams } from "@heliostat/contract/api/host-keys.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { requireScope } from "../../../app/access.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { answerApiError, sendJson } from "../../api-route.ts";
import { authenticateApi } from "../../authenticate.ts";
import { authenticateSession } from "../../authenticate-session.ts";
import { checkParameters } from "../../check-parameters.ts";
import type { HttpDoor } from "../../http-door.ts";
import { rememberUser } from "../../request-log.ts";
import { mergeParameters } from "../../request-parameters.ts";
import { whereFrom } from "../../where-from.ts";
import { presentDetection } from "./present.ts";

/** A project's path, then GitLab's own. */
const PATH = /^\/+([^/]+(?:\/[^/]+)+)\/-\/mirror\/ssh_host_keys(?:\.json)?\/?$/;

/** The full path of the project in the path of a request for host keys; null when it is another request. */
export function parseHostKeysPath(rawPath: string): string | null {
  const [, path] = PATH.exec(rawPath) ?? [];
  if (path === undefined) return null;
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/**
 * GitLab's web endpoint for host keys, with its statuses and bodies: 204 while the server is asked, so that the client
 * comes again. It tells nobody who may not mirror that there is such a project.
 */
export async function answerHostKeys(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  fullPath: string,
): Promise<FastifyReply> {
  try {
    const query = mergeParameters(request.query);
    const principal = await authenticateApi(door.useCases, {
      headers: request.headers,
      parameters: query,
      from: whereFrom(request),
      bySession: () => authenticateSession(door, request, reply),
    });
    rememberUser(request, principal);
    requireScope(principal, ["api"]);
    const params = checkParameters(webHostKeyDetectionParams, query);
    const wish = { url: params.ssh_url, compareWith: params.compare_host_keys ?? "", wait: false };
    const detection = await door.useCases.detectHostKeys(principal, fullPath, wish);
    switch (detection.kind) {
      case "scanning":
        return reply.code(204).header("cache-control", "no-store").send();
      case "found":
        return sendJson(reply, 200, presentDetection(detection));
      case "failed":
        return sendJson(reply, 400, { message: "Failed to detect SSH host keys" });
      case "refused":
        return sendJson(reply, 400, { message: "Invalid URL" });
    }
  } catch (error) {
    const isHidden = error instanceof HeliostatError && HIDDEN.has(error.code);
    const shown = isHidden ? new HeliostatError("not-found", "Not found") : error;
    return answerApiError(door, shown, request, reply);
  }
}

const HIDDEN: ReadonlySet<string> = new Set(["unauthenticated", "forbidden", "not-found"]);
