import { identityConnectParams } from "@heliostat/contract/api/identities.ts";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { asHeliostatError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/user.ts";
import { answerApiError, sendJson } from "../api-route.ts";
import { authenticateSession } from "../authenticate-session.ts";
import { checkParameters } from "../check-parameters.ts";
import type { HttpDoor } from "../http-door.ts";
import { apiAnswerTo, isFault } from "../on-error.ts";
import { rememberUser, reportFault } from "../request-log.ts";
import { mergeParameters, readBodyParameters } from "../request-parameters.ts";
import { requireUser } from "../routes/require-user.ts";
import { giveSessionCookie, readSessionCookie } from "../session-cookie.ts";
import { whereFrom } from "../where-from.ts";
import { PROBLEM_PAGE_HEADERS, problemPage } from "./problem-page.ts";
import { readTicket, ticketCookie } from "./ticket-cookie.ts";

const START = "/users/auth/oidc";
const ACCOUNT_PAGE = "/-/account";

/** Registers the way to the OpenID Connect provider and back, which a browser goes as a whole page. */
export async function registerOpenIdConnect(server: FastifyInstance, door: HttpDoor): Promise<void> {
  const isSecure = (): boolean => door.externalUrl.startsWith("https:");

  function setTicket(reply: FastifyReply, ticket: string | null): void {
    // Beside the cookie of the session, which stands on the raw answer too.
    reply.raw.appendHeader("set-cookie", ticketCookie(ticket, isSecure()));
  }

  function redirect(reply: FastifyReply, url: string): FastifyReply {
    return reply.header("cache-control", "no-store").redirect(url, 303);
  }

  async function whoIs(
    request: FastifyRequest,
    reply: FastifyReply,
    { unfinished }: { readonly unfinished: boolean },
  ): Promise<Principal> {
    const known = await authenticateSession(door, request, reply, { unfinished });
    return known ?? { kind: "anonymous", from: whereFrom(request) };
  }

  /** A person looks at it: words, and the ways on. */
  function answerProblem(
    request: FastifyRequest,
    reply: FastifyReply,
    error: unknown,
    isSignedIn: boolean,
  ): FastifyReply {
    if (isFault(error)) reportFault(door.log, request, error);
    const { status, headers } = apiAnswerTo(error);
    const { kind, message } = asHeliostatError(error);
    const isOurs = kind === "bug" || kind === "corrupt";
    const page = problemPage({
      title: isSignedIn ? "Not connected" : "You are not signed in",
      message: isOurs ? "Something went wrong here that should not." : message,
      requestId: isOurs ? request.id : null,
      actions: isSignedIn
        ? [{ label: "Back to your account", path: ACCOUNT_PAGE }]
        : [
            { label: "Try again", path: START },
            { label: "Sign in with a password", path: "/users/sign_in" },
          ],
    });
    return reply.code(status).headers(headers).headers(PROBLEM_PAGE_HEADERS).send(page);
  }

  const limits = { maxBytes: door.limits.apiBodyBytes, timeoutMs: door.limits.apiBodyTimeoutMs };
  const plugin: FastifyPluginAsync = async (web) => {
    web.removeAllContentTypeParsers();
    web.addContentTypeParser("*", async (request: FastifyRequest, payload: FastifyRequest["raw"]) =>
      readBodyParameters(payload, request.headers, limits),
    );
    web.setErrorHandler((error, request, reply) => answerApiError(door, error, request, reply));

    web.get(START, async (request, reply) => {
      try {
        const { url, ticket } = await door.useCases.beginProviderSignIn(whereFrom(request));
        setTicket(reply, ticket);
        return redirect(reply, url);
      } catch (error) {
        return answerProblem(request, reply, error, false);
      }
    });

    web.get(`${START}/callback`, async (request, reply) => {
      let principal: Principal = { kind: "anonymous" };
      try {
        principal = await whoIs(request, reply, { unfinished: true });
        rememberUser(request, principal);
        const mark = request.originalUrl.indexOf("?");
        const search = mark === -1 ? "" : request.originalUrl.slice(mark);
        const ticket = readTicket(request.headers);
        const from = { ...whereFrom(request), userAgent: request.headers["user-agent"] ?? null };
        const before = readSessionCookie(request.headers);
        const arrival = await door.useCases.finishAtProvider({ search, ticket }, { principal, from, before });
        if (arrival.kind === "signed-in") {
          const { secret, session, user } = arrival.opened;
          rememberUser(request, { kind: "user", token: null, user, memberships: [] });
          giveSessionCookie(door, reply, { secret, expiresAt: session.expiresAt, now: session.createdAt });
        }
        setTicket(reply, null);
        return redirect(reply, arrival.kind === "connected" ? ACCOUNT_PAGE : "/");
      } catch (error) {
        setTicket(reply, null);
        return answerProblem(request, reply, error, principal.kind === "user");
      }
    });

    // A page of ours goes where this says: a form could be sent by another site, and may not lead to one.
    web.post(`${START}/connect`, async (request, reply) => {
      try {
        // By an identity they would sign in without the second factor that they have to set up first.
        const principal = await whoIs(request, reply, { unfinished: false });
        rememberUser(request, principal);
        requireUser(principal);
        const params = checkParameters(identityConnectParams, mergeParameters(request.body));
        const { url, ticket } = await door.useCases.connectIdentity(principal, {
          password: params.current_password ?? "",
          code: params.code ?? "",
        });
        setTicket(reply, ticket);
        return sendJson(reply, 200, { url });
      } catch (error) {
        return answerApiError(door, error, request, reply);
      }
    });
  };
  await server.register(plugin);
}
