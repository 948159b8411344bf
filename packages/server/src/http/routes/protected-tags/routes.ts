import {
  newProtectedTagParams,
  protectedTagListParams,
  protectedTagParams,
  protectedTagSchema,
} from "@heliostat/contract/api/protected-tags.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, created, noContent, ok, pageFrom, pageOf } from "../../api-route.ts";
import { readGrantees } from "../protected-branches/access-entries.ts";
import { presentProtectedTag } from "./present.ts";

export const protectedTagRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects/:id/protected_tags",
    access: "read_api",
    summary: "List the protected tags of a project",
    params: protectedTagListParams,
    answer: listOf(protectedTagSchema),
    handle: async ({ useCases, principal, params }) => {
      const tags = await useCases.listProtectedTags(principal, params.id);
      return pageOf(tags.map(presentProtectedTag), pageFrom(params));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/protected_tags/:name",
    access: "read_api",
    summary: "Show a protected tag",
    params: protectedTagParams,
    answer: protectedTagSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentProtectedTag(await useCases.findProtectedTag(principal, params.id, params.name))),
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/protected_tags",
    access: "api",
    summary: "Protect a tag, or tags by a wildcard",
    params: newProtectedTagParams,
    answer: protectedTagSchema,
    handle: async ({ useCases, principal, params }) => {
      const create = readGrantees(params.create_access_level, params.allowed_to_create);
      return created(
        presentProtectedTag(await useCases.createProtectedTag(principal, params.id, params.name, create)),
      );
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/projects/:id/protected_tags/:name",
    access: "api",
    summary: "Unprotect a tag",
    params: protectedTagParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeProtectedTag(principal, params.id, params.name);
      return noContent();
    },
  }),
];
