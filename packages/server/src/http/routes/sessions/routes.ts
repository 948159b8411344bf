import { noParams } from "@heliostat/contract/api/parameters.ts";
import {
  endedSessionsSchema,
  ownPasswordParams,
  sessionParams,
  sessionSchema,
  userPasswordParams,
} from "@heliostat/contract/api/sessions.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, noContent, ok, pageOf } from "../../api-route.ts";
import { presentSession } from "./present.ts";

const WHOLE = { page: 1, perPage: 100 };

/** One's own sessions and passwords, through the API. */
export const sessionRoutes = [
  apiRoute({
    method: "GET",
    path: "/user/sessions",
    access: "read_api",
    summary: "List one's sessions",
    params: noParams,
    answer: listOf(sessionSchema),
    handle: async ({ useCases, principal }) => {
      const sessions = await useCases.listSessions(principal);
      const current = principal.kind === "user" ? principal.session : undefined;
      return pageOf(
        sessions.map((session) => presentSession(session, current)),
        WHOLE,
      );
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/user/sessions",
    access: "api",
    summary: "End all of one's other sessions",
    params: noParams,
    answer: endedSessionsSchema,
    handle: async ({ useCases, principal }) => ok({ ended: await useCases.endOtherSessions(principal) }),
  }),
  apiRoute({
    method: "DELETE",
    path: "/user/sessions/:id",
    access: "api",
    summary: "End one of one's sessions",
    params: sessionParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.endSession(principal, params.id);
      return noContent();
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/user/password",
    access: "api",
    summary: "Change one's password",
    params: ownPasswordParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.changePassword(principal, { current: params.current_password, next: params.password });
      return noContent();
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/users/:id/password",
    access: "api",
    summary: "Give a user another password",
    params: userPasswordParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.setPassword(principal, params.id, params.password);
      return noContent();
    },
  }),
];
