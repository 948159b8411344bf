import {
  createdResourceTokenSchema,
  newResourceTokenParams,
  ownResourceTokenRotationParams,
  resourceTokenListParams,
  resourceTokenParams,
  resourceTokenRotationParams,
  resourceTokenSchema,
} from "@heliostat/contract/api/access-tokens.ts";
import type { PathOrId } from "../../../app/path-or-id.ts";
import type { TokenPlace } from "../../../app/tokens/token-use-cases.ts";
import { given } from "../../../domain/given.ts";
import { ACCESS_LEVELS } from "../../../domain/policy.ts";
import { listOf, withStatus } from "../../api-answer.ts";
import { type ApiRoute, apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentCreatedResourceToken, presentResourceToken } from "./present.ts";
import { readFilter } from "./read-filter.ts";

/** The same endpoints for the tokens of projects and for those of groups. */
export const resourceAccessTokenRoutes: readonly ApiRoute[] = [
  ...routesFor("project", (project) => ({ project })),
  ...routesFor("group", (group) => ({ group })),
];

function routesFor(kind: "project" | "group", placeOf: (id: PathOrId) => TokenPlace): readonly ApiRoute[] {
  const path = `/${kind}s/:id/access_tokens`;
  return [
    apiRoute({
      method: "GET",
      path,
      access: "api",
      summary: `List the access tokens of a ${kind}`,
      params: resourceTokenListParams,
      answer: listOf(resourceTokenSchema),
      handle: async ({ useCases, principal, params }) => {
        const page = pageFrom(params);
        const place = placeOf(params.id);
        const tokens = await useCases.listResourceTokens(principal, place, readFilter(params), page);
        return list(tokens.items.map(presentResourceToken), page, tokens.total);
      },
    }),
    apiRoute({
      method: "POST",
      path,
      access: "api",
      summary: `Create an access token of a ${kind}`,
      params: newResourceTokenParams,
      answer: createdResourceTokenSchema,
      handle: async ({ useCases, principal, params }) =>
        created(
          presentCreatedResourceToken(
            await useCases.createResourceToken(principal, placeOf(params.id), {
              name: params.name,
              description: params.description ?? null,
              scopes: params.scopes,
              accessLevel: params.access_level ?? ACCESS_LEVELS.maintainer,
              expiresAt: params.expires_at ?? null,
            }),
          ),
        ),
    }),
    apiRoute({
      method: "POST",
      path: `${path}/self/rotate`,
      access: "api",
      rotatesToken: true,
      summary: `Rotate the access token of a ${kind} that the request is made with`,
      params: ownResourceTokenRotationParams,
      answer: withStatus(200, createdResourceTokenSchema),
      handle: async ({ useCases, principal, params }) => {
        const rotation = given({ expiresAt: params.expires_at });
        const made = await useCases.rotateResourceToken(principal, placeOf(params.id), "self", rotation);
        return ok(presentCreatedResourceToken(made));
      },
    }),
    apiRoute({
      method: "GET",
      path: `${path}/:token_id`,
      access: "api",
      summary: `Show an access token of a ${kind}`,
      params: resourceTokenParams,
      answer: resourceTokenSchema,
      handle: async ({ useCases, principal, params }) => {
        const found = await useCases.findResourceToken(principal, placeOf(params.id), params.token_id);
        return ok(presentResourceToken(found));
      },
    }),
    apiRoute({
      method: "DELETE",
      path: `${path}/:token_id`,
      access: "api",
      summary: `Revoke an access token of a ${kind}`,
      params: resourceTokenParams,
      answer: null,
      handle: async ({ useCases, principal, params }) => {
        await useCases.revokeResourceToken(principal, placeOf(params.id), params.token_id);
        return noContent();
      },
    }),
    apiRoute({
      method: "POST",
      path: `${path}/:token_id/rotate`,
      access: "api",
      rotatesToken: true,
      summary: `Rotate an access token of a ${kind}`,
      params: resourceTokenRotationParams,
      answer: withStatus(200, createdResourceTokenSchema),
      handle: async ({ useCases, principal, params }) => {
        const { id, token_id } = params;
        const rotation = given({ expiresAt: params.expires_at });
        const made = await useCases.rotateResourceToken(principal, placeOf(id), token_id, rotation);
        return ok(presentCreatedResourceToken(made));
      },
    }),
  ];
}
