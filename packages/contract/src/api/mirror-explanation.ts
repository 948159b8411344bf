import { z } from "zod";
import { MIRROR_WAITS_FOR } from "../words.ts";
import { mirrorUpdateEndSchema } from "./mirrors.ts";
import { timestamp } from "./parameters.ts";

/** Why a mirror does what it does now, or is late. */
export const mirrorExplanationSchema = z
  .object({
    mirror_id: z.int(),
    waiting_for: z.enum(MIRROR_WAITS_FOR),
    explanation: z.string(),
    /** What can be done about it; null: nothing is to be done. */
    fix: z.string().nullable(),
    due_at: timestamp.nullable(),
    /** When what it waits for is over, as far as is known. */
    until: timestamp.nullable(),
    /** Seconds since it was due, while it has not begun. */
    late_by: z.int(),
    last_error: z.string().nullable(),
    running_pulls: z.int(),
    max_running_pulls: z.int(),
    running_of_host: z.int(),
    max_running_of_host: z.int(),
    /** The newest first, at most five. */
    last_updates: z.array(mirrorUpdateEndSchema),
  })
  .meta({ id: "MirrorExplanation" });
export type MirrorExplanationAnswer = z.infer<typeof mirrorExplanationSchema>;
