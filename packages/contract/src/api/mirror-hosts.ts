import { z } from "zod";
import { optionalText, timestamp } from "./parameters.ts";

/** A host that did not answer the last time. */
export const failingHostSchema = z
  .object({
    /** Host and port. */
    host: z.string(),
    /** In a row. */
    failures: z.int(),
    last_error: z.string(),
    failing_since: timestamp,
    /** Null: its mirrors run as ever. */
    paused_until: timestamp.nullable(),
  })
  .meta({ id: "FailingHost" });
export type FailingHostAnswer = z.infer<typeof failingHostSchema>;

/** `host`: only mirrors of this host, with or without its port. */
export const resumeMirrorsParams = z.object({ host: optionalText });

export const resumedMirrorsSchema = z.object({ resumed: z.int() }).meta({ id: "ResumedMirrors" });
export type ResumedMirrorsAnswer = z.infer<typeof resumedMirrorsSchema>;
