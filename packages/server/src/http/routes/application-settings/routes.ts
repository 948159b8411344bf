import { applicationSettingsParams } from "@heliostat/contract/api/application-settings.ts";
import { z } from "zod";
import { apiRoute, ok } from "../../api-route.ts";
import { given } from "../../check-parameters.ts";
import { presentSettings } from "./present.ts";

export const applicationSettingsRoutes = [
  apiRoute({
    method: "GET",
    path: "/application/settings",
    access: "read_api",
    params: z.object({}),
    handle: async ({ useCases, principal }) => ok(presentSettings(await useCases.readSettings(principal))),
  }),
  apiRoute({
    method: "PUT",
    path: "/application/settings",
    access: "api",
    params: applicationSettingsParams,
    handle: async ({ useCases, principal, params }) => {
      const changes = given({
        mirrorAvailable: params.mirror_available,
        allowLocalRequests: params.allow_local_requests_from_web_hooks_and_services,
        pullMirrorIntervalSeconds: params.pull_mirror_interval_seconds,
        pullMirrorMinIntervalSeconds: params.pull_mirror_min_interval_seconds,
        pushMirrorMinIntervalSeconds: params.push_mirror_min_interval_seconds,
      });
      return ok(presentSettings(await useCases.writeSettings(principal, changes)));
    },
  }),
];
