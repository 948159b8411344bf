import { namespaceListParams, namespaceParams } from "@heliostat/contract/api/namespaces.ts";
import { given } from "../../../domain/given.ts";
import { apiRoute, list, ok, pageFrom } from "../../api-route.ts";
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
      return list(
        namespaces.items.map((namespace) => presentNamespace(namespace, externalUrl)),
        page,
        namespaces.total,
      );
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
];
