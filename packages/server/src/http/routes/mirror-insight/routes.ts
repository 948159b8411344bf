import { mirrorParams, mirrorPreviewParams } from "@heliostat/contract/api/mirrors.ts";
import { z } from "zod";
import { apiRoute, ok } from "../../api-route.ts";
import { readOptions } from "../mirrors/read-settings.ts";
import { presentExplanation, presentOverview, presentPreview } from "./present.ts";

const ONE = "/projects/:id/mirrors/:mirror_id";

/** What people want to know of mirrors beyond their settings and history. */
export const mirrorInsightRoutes = [
  apiRoute({
    method: "GET",
    path: "/mirrors/overview",
    access: "read_api",
    params: z.object({}),
    handle: async ({ useCases, principal }) =>
      ok(presentOverview(await useCases.readMirrorOverview(principal))),
  }),
  apiRoute({
    method: "GET",
    path: `${ONE}/explanation`,
    access: "read_api",
    params: mirrorParams,
    handle: async ({ useCases, principal, params }) =>
      ok(presentExplanation(await useCases.explainMirror(principal, params.id, params.mirror_id))),
  }),
  apiRoute({
    method: "POST",
    path: `${ONE}/preview`,
    access: "api",
    params: mirrorPreviewParams,
    handle: async ({ useCases, principal, params, untilGone }) => {
      const { id, mirror_id } = params;
      const options = readOptions(params);
      const preview = await useCases.previewMirror(principal, id, mirror_id, options, untilGone());
      return ok(presentPreview(mirror_id, preview));
    },
  }),
];
