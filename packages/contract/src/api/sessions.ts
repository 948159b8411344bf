import { z } from "zod";
import { filledText, optionalText, rowId, timestamp } from "./parameters.ts";

/** What a page of ours knows of who uses it. `user` null: nobody is signed in. */
export const currentSessionSchema = z
  .object({
    user: z
      .object({
        id: z.int(),
        username: z.string(),
        name: z.string(),
        is_admin: z.boolean(),
        web_url: z.string(),
      })
      .nullable(),
    /** To be sent as `X-CSRF-Token` with everything that changes something. */
    csrf_token: z.string().nullable(),
    expires_at: timestamp.nullable(),
    /** Everybody must have a second factor here, and this one may do nothing before it is set up. */
    must_set_up_two_factor: z.boolean(),
  })
  .meta({ id: "CurrentSession" });
export type CurrentSessionAnswer = z.infer<typeof currentSessionSchema>;

/** One of the sessions of a user. */
export const sessionSchema = z
  .object({
    id: z.int(),
    /** The one by which this was asked. */
    current: z.boolean(),
    method: z.enum(["password", "oidc"]),
    created_at: timestamp,
    last_seen_at: timestamp,
    expires_at: timestamp,
    ip_address: z.string().nullable(),
    user_agent: z.string().nullable(),
  })
  .meta({ id: "Session" });
export type SessionAnswer = z.infer<typeof sessionSchema>;

/** How many were ended. */
export const endedSessionsSchema = z.object({ ended: z.int() }).meta({ id: "EndedSessions" });

/** `code`: of the second factor, asked for by an answer with `error_code` `second-factor-needed`. */
export const signInParams = z.object({ username: filledText, password: filledText, code: optionalText });

export const sessionParams = z.object({ id: rowId });

export const ownPasswordParams = z.object({ current_password: filledText, password: filledText });

export const userPasswordParams = z.object({ id: rowId, password: filledText });
