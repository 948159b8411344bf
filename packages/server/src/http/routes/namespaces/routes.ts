import {
  namespaceExistsParams,
  namespaceExistsSchema,
  namespaceListParams,
  namespaceParams,
  namespaceSchema,
} from "@heliostat/contract/api/namespaces.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, ok, pageFrom, partOfList } from "../../api-route.ts";
import { presentNamespace } from "./present.ts";

export const namespaceRoutes = [
  apiRoute({
    method: "GET",
    path: "/namespaces",
    access: "read_api",
    summary: "List namespaces",
    params: namespaceListParams,
    answer: listOf(namespaceSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const namespaces = await useCases.listNamespaces(principal, given({ search: params.search }), page);
      return partOfList(namespaces, page, (namespace) => presentNamespace(namespace, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/namespaces/:id",
    access: "read_api",
    summary: "Show a namespace",
    params: namespaceParams,
    answer: namespaceSchema,
    handle: async ({ useCases, principal, params, externalUrl }) =>
      ok(presentNamespace(await useCases.findNamespace(principal, params.id), externalUrl)),
  }),
  apiRoute({
    method: "GET",
    path: "/namespaces/:path/exists",
    access: "read_api",
    params: namespaceExistsParams,
    summary: "Tell whether a path is taken",
    answer: namespaceExistsSchema,
    handle: async ({ useCases, principal, params }) => {
      const parentId = params.parent_id ?? null;
      const { exists, suggests } = await useCases.checkNamespacePath(principal, params.path, parentId);
      return ok({ exists, suggests: [...suggests] });
    },
  }),
];
