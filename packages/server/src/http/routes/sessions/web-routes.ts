import { signInParams } from "@heliostat/contract/api/sessions.ts";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { Admission } from "../../../app/sign-in/sign-in-use-cases.ts";
import { answerApiError, sendJson } from "../../api-route.ts";
import { authenticateSession, findSession } from "../../authenticate-session.ts";
import { checkParameters } from "../../check-parameters.ts";
import type { HttpDoor } from "../../http-door.ts";
import { refuseOtherSites } from "../../own-page.ts";
import { requestError } from "../../request-error.ts";
import { rememberUser } from "../../request-log.ts";
import { mergeParameters, readBodyParameters } from "../../request-parameters.ts";
import { giveSessionCookie, readSessionCookie, takeSessionCookie } from "../../session-cookie.ts";
import { whereFrom } from "../../where-from.ts";
import { presentCurrentSession } from "./present.ts";

/** Registers how a browser signs in and out, and learns who it is: JSON in and out, for pages of ours. */
export async function registerSessions(server: FastifyInstance, door: HttpDoor): Promise<void> {
  const limits = { maxBytes: door.limits.apiBodyBytes, timeoutMs: door.limits.apiBodyTimeoutMs };
  const plugin: FastifyPluginAsync = async (web) => {
    web.removeAllContentTypeParsers();
    web.addContentTypeParser("*", async (request: FastifyRequest, payload: FastifyRequest["raw"]) =>
      readBodyParameters(payload, request.headers, limits),
    );
    web.setErrorHandler((error, request, reply) => answerApiError(door, error, request, reply));

    web.post("/users/sign_in", async (request, reply) => {
      refuseOtherSites(door, request);
      requireJson(request);
      const { username, password, code } = checkParameters(signInParams, mergeParameters(request.body));
      const userAgent = request.headers["user-agent"] ?? null;
      const admission = await door.useCases.signIn(
        { username, password, code: code ?? null },
        { from: { ...whereFrom(request), userAgent }, before: readSessionCookie(request.headers) },
      );
      return answerAdmission(door, request, reply, admission);
    });

    web.post("/users/sign_out", async (request, reply) => {
      const principal = await authenticateSession(door, request, reply, { unfinished: true });
      if (principal !== null) {
        rememberUser(request, principal);
        await door.useCases.signOut(principal);
      }
      takeSessionCookie(door, reply);
      return reply.code(204).header("cache-control", "no-store").send();
    });

    web.get("/-/session", async (request, reply) => {
      refuseOtherSites(door, request);
      const found = await findSession(door, request, reply);
      const current = found === null ? null : { ...found.principal, mustSetUp: found.mustSetUpSecondFactor };
      return sendJson(reply.header("vary", "cookie"), 200, presentCurrentSession(current, door.externalUrl));
    });
  };
  await server.register(plugin);
}

/** What a browser is told once it is certain who uses it; a missing second factor is an error. */
function answerAdmission(
  door: HttpDoor,
  request: FastifyRequest,
  reply: FastifyReply,
  { opened }: Admission,
): FastifyReply {
  const { user, session, secret } = opened;
  rememberUser(request, { kind: "user", token: null, user, memberships: [] });
  giveSessionCookie(door, reply, { secret, expiresAt: session.expiresAt, now: session.createdAt });
  return sendJson(
    reply,
    200,
    presentCurrentSession({ user, session, mustSetUp: opened.mustSetUpSecondFactor }, door.externalUrl),
  );
}

/** A form of another site cannot send this type; and what is in a form's query would be in logs. */
function requireJson(request: FastifyRequest): void {
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") throw requestError(415, "Send the parameters as application/json.");
}
