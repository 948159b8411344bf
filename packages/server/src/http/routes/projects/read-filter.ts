import type { projectListParams } from "@heliostat/contract/api/projects.ts";
import type { z } from "zod";
import type { ProjectFilter } from "../../../app/use-cases.ts";
import { given } from "../../../domain/given.ts";

/** What the parameters of a list of projects ask for. */
export function readProjectFilter(params: z.output<typeof projectListParams>): ProjectFilter {
  const { order_by: by = "id" } = params;
  return given({
    search: params.search,
    owned: params.owned,
    membership: params.membership,
    visibility: params.visibility,
    archived: params.archived,
    leastLevel: params.min_access_level,
    idAfter: params.id_after,
    idBefore: params.id_before,
    lastActivityAfter: params.last_activity_after,
    lastActivityBefore: params.last_activity_before,
    topics: params.topic,
    order: {
      by: by === "similarity" || by === "star_count" ? ("id" as const) : by,
      descending: params.sort !== "asc",
    },
  });
}
