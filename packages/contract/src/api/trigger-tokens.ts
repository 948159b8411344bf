import { z } from "zod";
import { mirrorParams } from "./mirrors.ts";
import { filledText, rowId, timestamp } from "./parameters.ts";

export const triggerTokenSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    mirror_id: z.int(),
    /** The id of whoever made it; null: they are gone. */
    created_by: z.int().nullable(),
    created_at: timestamp,
    last_used_at: timestamp.nullable(),
  })
  .meta({ id: "TriggerToken" });
export type TriggerTokenAnswer = z.infer<typeof triggerTokenSchema>;

/** The answer to the creation, the only one with the secret. */
export const createdTriggerTokenSchema = triggerTokenSchema
  .extend({ token: z.string() })
  .meta({ id: "CreatedTriggerToken" });

export const newTriggerTokenParams = mirrorParams.extend({ name: filledText });
export const triggerTokenParams = mirrorParams.extend({ token_id: rowId });
