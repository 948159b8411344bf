import { anyMirrorListParams, mirrorOfAnyProjectSchema } from "@heliostat/contract/api/mirror-attention.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, list, pageFrom } from "../../api-route.ts";
import { presentMirrorOfAnyProject } from "./present.ts";

/** The mirrors of all projects, and those of them that wait for somebody. */
export const mirrorAttentionRoutes = [
  apiRoute({
    method: "GET",
    path: "/mirrors",
    access: "read_api",
    summary: "List the mirrors of all projects",
    params: anyMirrorListParams,
    answer: listOf(mirrorOfAnyProjectSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const { items, total } = await useCases.listMirrorsOfAnyProject(principal, page);
      return list(
        items.map((item) => presentMirrorOfAnyProject(item, externalUrl)),
        page,
        total,
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: "/mirrors/attention",
    access: "read_api",
    summary: "List the mirrors that wait for somebody",
    params: anyMirrorListParams,
    answer: listOf(mirrorOfAnyProjectSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const { items, total } = await useCases.listMirrorsWaiting(principal, page);
      return list(
        items.map((item) => presentMirrorOfAnyProject(item, externalUrl)),
        page,
        total,
      );
    },
  }),
];
