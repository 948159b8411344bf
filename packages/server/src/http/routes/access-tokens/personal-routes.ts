import {
  accessTokenListParams,
  accessTokenParams,
  accessTokenRotationParams,
  newAccessTokenParams,
  tokenRotationParams,
} from "@heliostat/contract/api/access-tokens.ts";
import { rowId } from "@heliostat/contract/api/parameters.ts";
import { z } from "zod";
import { given } from "../../../domain/given.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { requireToken, requireUser } from "../require-user.ts";
import { presentCreatedToken, presentToken } from "./present.ts";
import { readFilter } from "./read-filter.ts";

export const personalAccessTokenRoutes = [
  apiRoute({
    method: "GET",
    path: "/personal_access_tokens",
    access: "read_api",
    params: accessTokenListParams,
    // As in GitLab, for the tokens of others.
    forbiddenStatus: 401,
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const filter = { ...readFilter(params), ...given({ userId: params.user_id }) };
      const tokens = await useCases.listAccessTokens(principal, filter, page);
      return list(tokens.items.map(presentToken), page, tokens.total);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/personal_access_tokens/self",
    access: "token",
    params: z.object({}),
    handle: async ({ principal }) => ok(presentToken(requireToken(principal))),
  }),
  apiRoute({
    method: "DELETE",
    path: "/personal_access_tokens/self",
    access: "token",
    params: z.object({}),
    handle: async ({ useCases, principal }) => {
      await useCases.revokeAccessToken(principal, requireToken(principal).id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: "/personal_access_tokens/self/rotate",
    access: "api",
    rotatesToken: true,
    params: tokenRotationParams,
    handle: async ({ useCases, principal, params }) => {
      const { id } = requireToken(principal);
      const rotation = given({ expiresAt: params.expires_at });
      return ok(presentCreatedToken(await useCases.rotateAccessToken(principal, id, rotation)));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/personal_access_tokens/:id",
    access: "read_api",
    params: accessTokenParams,
    handle: async ({ useCases, principal, params }) =>
      ok(presentToken(await useCases.findAccessToken(principal, params.id))),
  }),
  apiRoute({
    method: "DELETE",
    path: "/personal_access_tokens/:id",
    access: "api",
    params: accessTokenParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.revokeAccessToken(principal, params.id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: "/personal_access_tokens/:id/rotate",
    access: "api",
    rotatesToken: true,
    params: accessTokenRotationParams,
    handle: async ({ useCases, principal, params }) => {
      const rotation = given({ expiresAt: params.expires_at });
      return ok(presentCreatedToken(await useCases.rotateAccessToken(principal, params.id, rotation)));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/user/personal_access_tokens",
    access: "api",
    params: newAccessTokenParams,
    handle: async ({ useCases, principal, params }) =>
      created(
        presentCreatedToken(
          await useCases.createAccessToken(principal, {
            userId: requireUser(principal).id,
            name: params.name,
            description: params.description ?? null,
            scopes: params.scopes,
            expiresAt: params.expires_at ?? null,
          }),
        ),
      ),
  }),
  apiRoute({
    method: "POST",
    path: "/users/:id/personal_access_tokens",
    access: "api",
    params: newAccessTokenParams.extend({ id: rowId }),
    handle: async ({ useCases, principal, params }) =>
      created(
        presentCreatedToken(
          await useCases.createAccessToken(principal, {
            userId: params.id,
            name: params.name,
            description: params.description ?? null,
            scopes: params.scopes,
            expiresAt: params.expires_at ?? null,
          }),
        ),
      ),
  }),
];
