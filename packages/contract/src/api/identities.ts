import { z } from "zod";
import { optionalText, rowId, timestamp } from "./parameters.ts";

/** How people may sign in here. */
export const signInOptionsSchema = z
  .object({
    /** What the OpenID Connect provider is called; null: there is none. */
    provider: z.string().nullable(),
  })
  .meta({ id: "SignInOptions" });
export type SignInOptionsAnswer = z.infer<typeof signInOptionsSchema>;

/** Who somebody is at a provider. */
export const identitySchema = z
  .object({
    id: z.int(),
    /** The issuer of the provider. */
    provider: z.string(),
    extern_uid: z.string(),
    created_at: timestamp,
  })
  .meta({ id: "Identity" });
export type IdentityAnswer = z.infer<typeof identitySchema>;

/** The code is asked of those who have a second factor. */
export const identityConnectParams = z.object({ current_password: optionalText, code: optionalText });
export const identityParams = z.object({ id: rowId });
