import { type ResumedMirrorsAnswer, resumeMirrorsParams } from "@heliostat/contract/api/mirror-hosts.ts";
import { z } from "zod";
import { apiRoute, ok } from "../../api-route.ts";
import { presentHost } from "./present.ts";

/** What concerns the mirrors of many projects at once: hosts that do not answer, and what stopped because of them. */
export const mirrorHostRoutes = [
  apiRoute({
    method: "GET",
    path: "/mirrors/hosts",
    access: "read_api",
    params: z.object({}),
    handle: async ({ useCases, principal }) =>
      ok((await useCases.listFailingHosts(principal)).map(presentHost)),
  }),
  apiRoute({
    method: "POST",
    path: "/mirrors/resume",
    access: "api",
    params: resumeMirrorsParams,
    handle: async ({ useCases, principal, params }) => {
      const resumed = await useCases.resumeMirrors(principal, { host: params.host ?? null });
      const answer: ResumedMirrorsAnswer = { resumed };
      return ok(answer);
    },
  }),
];
