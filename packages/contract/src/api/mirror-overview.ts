import { z } from "zod";
import { MIRROR_DIRECTIONS } from "../words.ts";
import { timestamp } from "./parameters.ts";

const directionCounts = z.object({
  direction: z.enum(MIRROR_DIRECTIONS),
  total: z.int(),
  enabled: z.int(),
  /** The last update went well, and nothing waits. */
  in_step: z.int(),
  running: z.int(),
  /** An update is asked for and has not begun. */
  waiting: z.int(),
  failing: z.int(),
  /** After too many failures in a row, until somebody resumes them. */
  paused: z.int(),
  never_updated: z.int(),
});

/** All mirrors that one may see, at one look. */
export const mirrorOverviewSchema = z
  .object({
    at: timestamp,
    mirrors: z.array(directionCounts),
    /** Enabled ones that were due and have not begun; seconds since then. */
    late: z.object({ count: z.int(), p50: z.number(), p95: z.number(), max: z.number() }),
    /** Updates that came to an end in the last hour. */
    last_hour: z.object({ finished: z.int(), failed: z.int(), cancelled: z.int(), bytes: z.int() }),
    /** Hosts that do not answer, for administrators; null for others. */
    hosts_paused: z.int().nullable(),
    silent_mode: z.boolean(),
  })
  .meta({ id: "MirrorOverview" });
export type MirrorOverviewAnswer = z.infer<typeof mirrorOverviewSchema>;
