import { mirrorExplanationSchema } from "@heliostat/contract/api/mirror-explanation.ts";
import { mirrorOverviewSchema } from "@heliostat/contract/api/mirror-overview.ts";
import { mirrorParams, mirrorPreviewParams, mirrorPreviewSchema } from "@heliostat/contract/api/mirrors.ts";
import { noParams } from "@heliostat/contract/api/parameters.ts";
import { withStatus } from "../../api-answer.ts";
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
    summary: "Count mirrors by how they are",
    params: noParams,
    answer: mirrorOverviewSchema,
    handle: async ({ useCases, principal }) =>
      ok(presentOverview(await useCases.readMirrorOverview(principal))),
  }),
  apiRoute({
    method: "GET",
    path: `${ONE}/explanation`,
    access: "read_api",
    summary: "Explain why a mirror does not run, or is late",
    params: mirrorParams,
    answer: mirrorExplanationSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentExplanation(await useCases.explainMirror(principal, params.id, params.mirror_id))),
  }),
  apiRoute({
    method: "POST",
    path: `${ONE}/preview`,
    access: "api",
    summary: "Show what an update of a mirror would do",
    params: mirrorPreviewParams,
    answer: withStatus(200, mirrorPreviewSchema),
    handle: async ({ useCases, principal, params, untilGone }) => {
      const { id, mirror_id } = params;
      const options = readOptions(params);
      const preview = await useCases.previewMirror(principal, id, mirror_id, options, untilGone());
      return ok(presentPreview(mirror_id, preview));
    },
  }),
];
