import { z } from "zod";
import { optionalDate, optionalWord, pageParams, pathOrId, timestamp } from "./parameters.ts";
import { userSchema } from "./users.ts";

/** GitLab's words for what may have happened. */
const ACTIONS = [
  "created",
  "updated",
  "closed",
  "reopened",
  "pushed",
  "commented",
  "merged",
  "joined",
  "left",
  "destroyed",
  "expired",
  "approved",
] as const;

/** GitLab's words for what it may have happened to. */
const TARGET_TYPES = [
  "issue",
  "milestone",
  "merge_request",
  "note",
  "project",
  "snippet",
  "user",
  "wiki",
  "design",
] as const;

/** One event of a project's activity feed: a push, by a client or by the pull mirror. */
export const eventSchema = z
  .object({
    id: z.int(),
    project_id: z.int(),
    action_name: z.enum(["pushed new", "pushed to", "deleted"]),
    target_id: z.null(),
    target_iid: z.null(),
    target_type: z.null(),
    author_id: z.int().nullable(),
    target_title: z.null(),
    created_at: timestamp,
    /** Left out, as in GitLab, where there is none. */
    author: userSchema.optional(),
    imported: z.boolean(),
    imported_from: z.string(),
    push_data: z.object({
      commit_count: z.int(),
      action: z.enum(["created", "pushed", "removed"]),
      ref_type: z.enum(["branch", "tag"]),
      commit_from: z.string().nullable(),
      commit_to: z.string().nullable(),
      /** Null where the event stands for `ref_count` refs. */
      ref: z.string().nullable(),
      commit_title: z.string().nullable(),
      ref_count: z.int().nullable(),
    }),
    author_username: z.string().nullable(),
  })
  .meta({ id: "Event" });
export type EventAnswer = z.infer<typeof eventSchema>;

const eventFilterParams = {
  action: optionalWord(ACTIONS),
  target_type: optionalWord(TARGET_TYPES),
  before: optionalDate,
  after: optionalDate,
  sort: optionalWord(["asc", "desc"]),
  ...pageParams,
} as const;

export const eventListParams = z.object({ id: pathOrId, ...eventFilterParams });
/** `scope=all`: not only one's own, but of all projects that one is a member of. */
export const ownEventListParams = z.object({ scope: optionalWord(["all"]), ...eventFilterParams });
