import { z } from "zod";
import { filledText, optionalFlag, optionalText, rowId, timestamp, windowParams } from "./parameters.ts";

/** A user as other answers name them. */
export const userSchema = z
  .object({
    id: z.int(),
    username: z.string(),
    name: z.string(),
    state: z.enum(["active", "blocked"]),
    locked: z.boolean(),
    avatar_url: z.string().nullable(),
    web_url: z.string(),
  })
  .meta({ id: "User" });
export type UserAnswer = z.infer<typeof userSchema>;

/** What everybody who is signed in may know of a user. */
export const publicUserSchema = userSchema
  .extend({
    /** The identity of a project or of a token, with which nobody signs in. */
    bot: z.boolean(),
  })
  .meta({ id: "PublicUser" });
export type PublicUserAnswer = z.infer<typeof publicUserSchema>;

/** What a user knows of themselves, and an admin of anybody. */
export const fullUserSchema = publicUserSchema
  .extend({
    created_at: timestamp,
    email: z.string(),
    public_email: z.string().nullable(),
    commit_email: z.string(),
    is_admin: z.boolean(),
    external: z.boolean(),
    two_factor_enabled: z.boolean(),
    can_create_group: z.boolean(),
    can_create_project: z.boolean(),
    namespace_id: z.int().nullable(),
    identities: z.array(z.never()),
  })
  .meta({ id: "FullUser" });
export type FullUserAnswer = z.infer<typeof fullUserSchema>;

/** All of it to an admin and of oneself; else what is public. */
export const visibleUserSchema = z.union([fullUserSchema, publicUserSchema]).meta({ id: "VisibleUser" });

/** `without_project_bots=false` lists the identities of projects and of tokens too. */
export const userListParams = z.object({
  username: optionalText,
  search: optionalText,
  active: optionalFlag,
  blocked: optionalFlag,
  admins: optionalFlag,
  without_project_bots: optionalFlag,
  ...windowParams,
});
export const userParams = z.object({ id: rowId });

export const newUserParams = z.object({
  username: filledText,
  name: filledText,
  email: filledText,
  password: optionalText,
  admin: optionalFlag,
});

export const userChangeParams = z.object({
  id: rowId,
  username: optionalText,
  name: optionalText,
  email: optionalText,
  admin: optionalFlag,
});
