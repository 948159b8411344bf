import { mirrorListParams, mirrorParams, mirrorUpdateListParams } from "@heliostat/contract/api/mirrors.ts";
import { apiRoute, ok } from "../../api-route.ts";
import { presentMirror, presentUpdate } from "./present.ts";

/** What GitLab has no word for: all mirrors of a project in one list, and what their updates did. */
export const mirrorRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects/:id/mirrors",
    access: "read_api",
    params: mirrorListParams,
    handle: async ({ useCases, principal, params }) => {
      const mirrors = await useCases.listMirrors(principal, params.id);
      return ok(mirrors.map(presentMirror));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/mirrors/:mirror_id",
    access: "read_api",
    params: mirrorParams,
    handle: async ({ useCases, principal, params }) =>
      ok(presentMirror(await useCases.findMirror(principal, params.id, params.mirror_id))),
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/mirrors/:mirror_id/updates",
    access: "read_api",
    params: mirrorUpdateListParams,
    handle: async ({ useCases, principal, params }) => {
      const updates = await useCases.listUpdates(principal, params.id, params.mirror_id, params.limit);
      return ok(updates.map(presentUpdate));
    },
  }),
];
