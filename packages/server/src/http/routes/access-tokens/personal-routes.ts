import {
  accessTokenListParams,
  accessTokenParams,
  accessTokenRotationParams,
  accessTokenSchema,
  createdAccessTokenSchema,
  newAccessTokenParams,
  newUserAccessTokenParams,
  tokenRotationParams,
} from "@heliostat/contract/api/access-tokens.ts";
import { noParams } from "@heliostat/contract/api/parameters.ts";
import { given } from "../../../domain/given.ts";
import { listOf, withStatus } from "../../api-answer.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { requireToken, requireUser } from "../require-user.ts";
import { presentCreatedToken, presentToken } from "./present.ts";
import { readFilter } from "./read-filter.ts";

export const personalAccessTokenRoutes = [
  apiRoute({
    method: "GET",
    path: "/personal_access_tokens",
    access: "read_api",
    summary: "List personal access tokens",
    params: accessTokenListParams,
    answer: listOf(accessTokenSchema),
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
    summary: "Show the token that the request is made with",
    params: noParams,
    answer: accessTokenSchema,
    handle: async ({ principal }) => ok(presentToken(requireToken(principal))),
  }),
  apiRoute({
    method: "DELETE",
    path: "/personal_access_tokens/self",
    access: "token",
    summary: "Revoke the token that the request is made with",
    params: noParams,
    answer: null,
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
    summary: "Rotate the token that the request is made with",
    params: tokenRotationParams,
    answer: withStatus(200, createdAccessTokenSchema),
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
    summary: "Show a personal access token",
    params: accessTokenParams,
    answer: accessTokenSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentToken(await useCases.findAccessToken(principal, params.id))),
  }),
  apiRoute({
    method: "DELETE",
    path: "/personal_access_tokens/:id",
    access: "api",
    summary: "Revoke a personal access token",
    params: accessTokenParams,
    answer: null,
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
    summary: "Rotate a personal access token",
    params: accessTokenRotationParams,
    answer: withStatus(200, createdAccessTokenSchema),
    handle: async ({ useCases, principal, params }) => {
      const rotation = given({ expiresAt: params.expires_at });
      return ok(presentCreatedToken(await useCases.rotateAccessToken(principal, params.id, rotation)));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/user/personal_access_tokens",
    access: "api",
    summary: "Create a personal access token for oneself",
    params: newAccessTokenParams,
    answer: createdAccessTokenSchema,
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
    summary: "Create a personal access token for a user",
    params: newUserAccessTokenParams,
    answer: createdAccessTokenSchema,
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
