import {
  failingHostSchema,
  type ResumedMirrorsAnswer,
  resumedMirrorsSchema,
  resumeMirrorsParams,
} from "@heliostat/contract/api/mirror-hosts.ts";
import { noParams } from "@heliostat/contract/api/parameters.ts";
import { wholeListOf, withStatus } from "../../api-answer.ts";
import { apiRoute, ok } from "../../api-route.ts";
import { presentHost } from "./present.ts";

/** What concerns the mirrors of many projects at once: hosts that do not answer, and what stopped because of them. */
export const mirrorHostRoutes = [
  apiRoute({
    method: "GET",
    path: "/mirrors/hosts",
    access: "read_api",
    summary: "List the hosts that do not answer",
    params: noParams,
    answer: wholeListOf(failingHostSchema),
    handle: async ({ useCases, principal }) =>
      ok((await useCases.listFailingHosts(principal)).map(presentHost)),
  }),
  apiRoute({
    method: "POST",
    path: "/mirrors/resume",
    access: "api",
    summary: "Resume all mirrors that are on pause",
    params: resumeMirrorsParams,
    answer: withStatus(200, resumedMirrorsSchema),
    handle: async ({ useCases, principal, params }) => {
      const resumed = await useCases.resumeMirrors(principal, { host: params.host ?? null });
      const answer: ResumedMirrorsAnswer = { resumed };
      return ok(answer);
    },
  }),
];
