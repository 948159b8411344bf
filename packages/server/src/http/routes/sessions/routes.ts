import { ownPasswordParams, sessionParams, userPasswordParams } from "@heliostat/contract/api/sessions.ts";
import { z } from "zod";
import { apiRoute, noContent, ok, pageOf } from "../../api-route.ts";
import { presentSession } from "./present.ts";

const WHOLE = { page: 1, perPage: 100 };

/** One's own sessions and passwords, through the API. */
export const sessionRoutes = [
  apiRoute({
    method: "GET",
    path: "/user/sessions",
    access: "read_api",
    params: z.object({}),
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
    params: z.object({}),
    handle: async ({ useCases, principal }) => ok({ ended: await useCases.endOtherSessions(principal) }),
  }),
  apiRoute({
    method: "DELETE",
    path: "/user/sessions/:id",
    access: "api",
    params: sessionParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.endSession(principal, params.id);
      return noContent();
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/user/password",
    access: "api",
    params: ownPasswordParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.changePassword(principal, { current: params.current_password, next: params.password });
      return noContent();
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/users/:id/password",
    access: "api",
    params: userPasswordParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.setPassword(principal, params.id, params.password);
      return noContent();
    },
  }),
];
