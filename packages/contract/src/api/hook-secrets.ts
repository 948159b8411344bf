import { z } from "zod";
import { mirrorParams } from "./mirrors.ts";
import { optionalText, timestamp } from "./parameters.ts";

/** The answer to its creation, the only one that has it. */
export const hookSecretSchema = z
  .object({
    mirror_id: z.int(),
    secret: z.string(),
    /** The id of whoever made it. */
    created_by: z.int(),
    created_at: timestamp,
  })
  .meta({ id: "HookSecret" });
export type HookSecretAnswer = z.infer<typeof hookSecretSchema>;

export const newHookSecretParams = mirrorParams.extend({
  /** What the other side signs with; one is made where it is left out or empty. */
  secret: optionalText,
});
