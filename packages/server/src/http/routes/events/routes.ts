import { eventListParams, eventSchema, ownEventListParams } from "@heliostat/contract/api/events.ts";
import type { z } from "zod";
import type { AuthoredEvent, Page, Paged } from "../../../app/ports.ts";
import type { EventQuery } from "../../../app/use-cases.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, list, pageFrom } from "../../api-route.ts";
import { presentEvent } from "./present.ts";

function readFilter(params: Omit<z.output<typeof eventListParams>, "id">): EventQuery {
  const { action, target_type: targetType, before, after, sort = "desc" } = params;
  return { sort, ...given({ action, targetType, before, after }) };
}

function answer(events: Paged<AuthoredEvent>, page: Page, externalUrl: string) {
  return list(
    events.items.map((event) => presentEvent(event, externalUrl)),
    page,
    events.total,
  );
}

export const eventRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects/:id/events",
    access: "anyone",
    summary: "List the events of a project",
    params: eventListParams,
    answer: listOf(eventSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      return answer(
        await useCases.listEvents(principal, params.id, readFilter(params), page),
        page,
        externalUrl,
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: "/events",
    access: "read_api",
    params: ownEventListParams,
    summary: "List what one did, or what happened in one's projects",
    answer: listOf(eventSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const whose = { of: params.scope === "all" ? ("member" as const) : ("own" as const) };
      const events = await useCases.listEventsAcross(principal, whose, readFilter(params), page);
      return answer(events, page, externalUrl);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/users/:id/events",
    access: "read_api",
    params: eventListParams,
    summary: "List what a user did",
    answer: listOf(eventSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const events = await useCases.listEventsAcross(principal, params.id, readFilter(params), page);
      return answer(events, page, externalUrl);
    },
  }),
];
