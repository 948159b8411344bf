import {
  mirrorProgressParams,
  mirrorProgressSchema,
  mirrorUpdateEndSchema,
  mirrorUpdateListParams,
  mirrorUpdateParams,
  mirrorUpdateSchema,
  wholeMirrorUpdateSchema,
} from "@heliostat/contract/api/mirrors.ts";
import type { z } from "zod";
import type { ProgressEvent } from "../../../app/use-cases.ts";
import { eventsOf, listOf } from "../../api-answer.ts";
import {
  type ApiContext,
  type ApiRoute,
  apiRoute,
  cutPage,
  events,
  list,
  ok,
  pageFrom,
  part,
} from "../../api-route.ts";
import type { ServerSentEvent } from "../../send-events.ts";
import { presentEnd, presentProgress, presentUpdate, presentWholeUpdate } from "./present.ts";

const UPDATES = "/projects/:id/mirrors/:mirror_id/updates";
const PROGRESS = "/projects/:id/mirrors/:mirror_id/progress";

/** `end` is the last one. */
const PROGRESS_EVENTS = { progress: mirrorProgressSchema, end: mirrorUpdateEndSchema };

async function stream({
  useCases,
  principal,
  params,
  lastEventId,
  untilGone,
}: ApiContext<z.output<typeof mirrorProgressParams>>) {
  // A client that lost the connection goes on with the update that it followed, whose id its last event had.
  const after = lastEventId === null ? (params.after ?? null) : lastEventId - 1;
  const options = { after, signal: untilGone() };
  return events(present(await useCases.watchProgress(principal, params.id, params.mirror_id, options)));
}

async function* present(found: AsyncIterable<ProgressEvent>): AsyncGenerator<ServerSentEvent> {
  for await (const event of found) {
    if (event.kind === "end") {
      yield { event: "end", id: event.update.id, data: presentEnd(event.update) };
      continue;
    }
    const data = presentProgress(event.progress);
    yield { event: "progress", id: data.update_id, data };
  }
}

/** What the updates of a mirror did, and how far the one is that runs. */
export const mirrorUpdateRoutes: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: UPDATES,
    access: "read_api",
    summary: "List the updates of a mirror",
    params: mirrorUpdateListParams,
    answer: listOf(mirrorUpdateSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const { items, total } = await useCases.listUpdates(principal, params.id, params.mirror_id, page);
      return list(
        items.map((update) => presentUpdate(update, externalUrl)),
        page,
        total,
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: `${UPDATES}/:update_id`,
    access: "read_api",
    summary: "Show an update of a mirror, with its refs and its log",
    params: mirrorUpdateParams,
    answer: wholeMirrorUpdateSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const { id, mirror_id, update_id, outcome, page, per_page } = params;
      const update = await useCases.findUpdate(principal, id, mirror_id, update_id);
      const whole = presentWholeUpdate(update, outcome ?? null, externalUrl);
      if (page === undefined && per_page === undefined) return ok(whole);
      const wanted = pageFrom({ page, per_page });
      return part({ ...whole, refs: [...cutPage(whole.refs, wanted)] }, wanted, whole.refs.length);
    },
  }),
  apiRoute({
    method: "GET",
    path: PROGRESS,
    access: "read_api",
    summary: "Show how far the update of a mirror is",
    params: mirrorProgressParams,
    answer: eventsOf(PROGRESS_EVENTS, mirrorProgressSchema),
    handle: async (context) => {
      if (context.wantsEvents) return await stream(context);
      const { useCases, principal, params } = context;
      return ok(presentProgress(await useCases.readProgress(principal, params.id, params.mirror_id)));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${PROGRESS}/stream`,
    access: "read_api",
    summary: "Follow the update of a mirror as server-sent events",
    params: mirrorProgressParams,
    answer: eventsOf(PROGRESS_EVENTS, null),
    handle: stream,
  }),
];
