import { z } from "zod";
import { optionalFlag, optionalInteger } from "./parameters.ts";

export const applicationSettingsSchema = z.object({
  mirror_available: z.boolean(),
  allow_local_requests_from_web_hooks_and_services: z.boolean(),
  pull_mirror_interval_seconds: z.int(),
  pull_mirror_min_interval_seconds: z.int(),
  push_mirror_min_interval_seconds: z.int(),
});
export type ApplicationSettingsAnswer = z.infer<typeof applicationSettingsSchema>;

export const applicationSettingsParams = z.object({
  mirror_available: optionalFlag,
  allow_local_requests_from_web_hooks_and_services: optionalFlag,
  pull_mirror_interval_seconds: optionalInteger,
  pull_mirror_min_interval_seconds: optionalInteger,
  push_mirror_min_interval_seconds: optionalInteger,
});
