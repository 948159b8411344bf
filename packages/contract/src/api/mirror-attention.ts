import { z } from "zod";
import { ATTENTION_REASONS } from "../words.ts";
import { mirrorSchema } from "./mirrors.ts";
import { pageParams } from "./parameters.ts";

/** A mirror of any project, and why it waits for somebody: the weightiest reason first, none where it does not. */
export const mirrorOfAnyProjectSchema = mirrorSchema
  .extend({
    project_path: z.string(),
    reasons: z.array(z.enum(ATTENTION_REASONS)),
  })
  .meta({ id: "MirrorOfAnyProject" });
export type MirrorOfAnyProjectAnswer = z.infer<typeof mirrorOfAnyProjectSchema>;

export const anyMirrorListParams = z.object(pageParams);
