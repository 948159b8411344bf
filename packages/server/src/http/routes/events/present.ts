import type { EventAnswer } from "@heliostat/contract/api/events.ts";
import type { AuthoredEvent } from "../../../app/ports.ts";
import type { EventAction } from "../../../domain/project-event.ts";
import { presentUser } from "../users/present.ts";

const ACTION_NAMES = {
  created: "pushed new",
  pushed: "pushed to",
  removed: "deleted",
} as const satisfies Record<EventAction, EventAnswer["action_name"]>;

/** An event with exactly GitLab's keys. */
export function presentEvent({ event, author }: AuthoredEvent, externalUrl: string): EventAnswer {
  return {
    id: event.id,
    project_id: event.projectId,
    action_name: ACTION_NAMES[event.action],
    target_id: null,
    target_iid: null,
    target_type: null,
    author_id: event.authorId,
    target_title: null,
    created_at: event.createdAt.toISOString(),
    ...(author === null ? {} : { author: presentUser(author, externalUrl) }),
    imported: false,
    imported_from: "none",
    push_data: {
      commit_count: event.commitCount,
      action: event.action,
      ref_type: event.refType,
      commit_from: event.commitFrom,
      commit_to: event.commitTo,
      ref: event.ref,
      commit_title: event.commitTitle,
      ref_count: event.refCount,
    },
    author_username: author?.username ?? null,
  };
}
