import {
  namespaceExistsParams,
  namespaceExistsSchema,
  namespaceListParams,
  namespaceParams,
} from "@heliostat/contract/api/namespaces.ts";
import { given } from "../../../domain/given.ts";
import { apiRoute, ok, pageFrom, partOfList } from "../../api-route.ts";
import { presentNamespace } from "./present.ts";

export const namespaceRoutes = [
  apiRoute({
    method: "GET",
    path: "/namespaces",
    access: "read_api",
    params: namespaceListParams,
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
    params: namespaceParams,
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
    handle: async ({ useCases, principal, params }) =>
      ok(await useCases.checkNamespacePath(principal, params.path, params.parent_id ?? null)),
  }),
];
