import { z } from "zod";
import {
  integer,
  nullableDate,
  optionalFlag,
  optionalText,
  optionalTextList,
  pageParams,
  pathOrId,
  rowId,
  timestamp,
} from "./parameters.ts";
import { userSchema } from "./users.ts";

export const memberSchema = userSchema
  .extend({
    /** 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
    access_level: z.int(),
    created_at: timestamp,
    created_by: userSchema.optional(),
    /** The first day without it. */
    expires_at: z.iso.date().nullable(),
    membership_state: z.literal("active"),
  })
  .meta({ id: "Member" });
export type MemberAnswer = z.infer<typeof memberSchema>;

/** GitLab's answer to a list of new members: what went wrong, by user name. */
export const newMembersSchema = z
  .object({ status: z.enum(["success", "error"]), message: z.record(z.string(), z.string()).optional() })
  .meta({ id: "NewMembers" });

/** One member, or what became of a list of them. */
export const addedMembersSchema = z.union([memberSchema, newMembersSchema]).meta({ id: "AddedMembers" });

/** One number, one text with commas, or a list. */
const userIds = z.preprocess((value) => {
  if (value === null || value === "") return undefined;
  if (typeof value === "number") return [value];
  return typeof value === "string" ? value.split(",").map((id) => id.trim()) : value;
}, z.array(rowId).optional());

export const memberListParams = z.object({
  id: pathOrId,
  query: optionalText,
  user_ids: userIds,
  ...pageParams,
});
export const memberParams = z.object({ id: pathOrId, user_id: rowId });
export const newMemberParams = z.object({
  id: pathOrId,
  user_id: userIds,
  username: optionalTextList,
  access_level: integer,
  expires_at: nullableDate,
});
export const memberChangeParams = z.object({
  id: pathOrId,
  user_id: rowId,
  access_level: integer,
  expires_at: nullableDate,
});
export const memberRemovalParams = z.object({
  id: pathOrId,
  user_id: rowId,
  skip_subresources: optionalFlag,
});
