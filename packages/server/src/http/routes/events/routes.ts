import { eventListParams } from "@heliostat/contract/api/events.ts";
import { given } from "../../../domain/given.ts";
import { apiRoute, list, pageFrom } from "../../api-route.ts";
import { presentEvent } from "./present.ts";

export const eventRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects/:id/events",
    access: "anyone",
    params: eventListParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const { action, target_type: targetType, before, after, sort = "desc" } = params;
      const filter = { sort, ...given({ action, targetType, before, after }) };
      const events = await useCases.listEvents(principal, params.id, filter, page);
      return list(
        events.items.map((event) => presentEvent(event, externalUrl)),
        page,
        events.total,
      );
    },
  }),
];
