import { groupListParams, groupParams, newGroupParams } from "@heliostat/contract/api/groups.ts";
import { given } from "../../../domain/given.ts";
import { apiRoute, created, list, ok, pageFrom } from "../../api-route.ts";
import { presentGroup } from "./present.ts";

export const groupRoutes = [
  apiRoute({
    method: "GET",
    path: "/groups",
    access: "read_api",
    params: groupListParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const filter = { kind: "group" as const, ...given({ search: params.search }) };
      const groups = await useCases.listNamespaces(principal, filter, page);
      return list(
        groups.items.map((group) => presentGroup(group, externalUrl)),
        page,
        groups.total,
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: "/groups/:id",
    access: "read_api",
    params: groupParams,
    handle: async ({ useCases, principal, params, externalUrl }) =>
      ok(presentGroup(await useCases.findNamespace(principal, params.id, "group"), externalUrl)),
  }),
  apiRoute({
    method: "POST",
    path: "/groups",
    access: "api",
    params: newGroupParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const group = await useCases.createGroup(principal, {
        name: params.name,
        path: params.path,
        parentId: params.parent_id ?? null,
      });
      return created(presentGroup(group, externalUrl));
    },
  }),
];
