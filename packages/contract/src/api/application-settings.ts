import { z } from "zod";
import { FSCK_SEVERITIES } from "../words.ts";
import { optionalFlag, optionalInteger, optionalTextList, optionalWord } from "./parameters.ts";

/** GitLab's settings that concern mirrors, with its keys; then ours, from `pull_mirror_interval_seconds` on. */
export const applicationSettingsSchema = z.object({
  mirror_available: z.boolean(),
  silent_mode_enabled: z.boolean(),
  allow_local_requests_from_web_hooks_and_services: z.boolean(),
  deny_all_requests_except_allowed: z.boolean(),
  dns_rebinding_protection_enabled: z.boolean(),
  outbound_local_requests_whitelist: z.array(z.string()),
  mirror_max_delay: z.int(),
  mirror_max_capacity: z.int(),
  mirror_capacity_threshold: z.int(),
  push_event_activities_limit: z.int(),
  push_event_hooks_limit: z.int(),
  git_push_pipeline_limit: z.int(),
  pull_mirror_interval_seconds: z.int(),
  pull_mirror_min_interval_seconds: z.int(),
  push_mirror_min_interval_seconds: z.int(),
  mirror_max_updates_per_host: z.int(),
  mirror_update_timeout_seconds: z.int(),
  mirror_stall_timeout_seconds: z.int(),
  mirror_update_retention_days: z.int(),
  repository_size_limit: z.int(),
  max_refs: z.int(),
  fsck_severity: z.enum(FSCK_SEVERITIES),
  session_expire_delay: z.int(),
});
export type ApplicationSettingsAnswer = z.infer<typeof applicationSettingsSchema>;

export const applicationSettingsParams = z.object({
  mirror_available: optionalFlag,
  silent_mode_enabled: optionalFlag,
  allow_local_requests_from_web_hooks_and_services: optionalFlag,
  deny_all_requests_except_allowed: optionalFlag,
  dns_rebinding_protection_enabled: optionalFlag,
  outbound_local_requests_whitelist: optionalTextList,
  mirror_max_delay: optionalInteger,
  mirror_max_capacity: optionalInteger,
  mirror_capacity_threshold: optionalInteger,
  push_event_activities_limit: optionalInteger,
  push_event_hooks_limit: optionalInteger,
  git_push_pipeline_limit: optionalInteger,
  pull_mirror_interval_seconds: optionalInteger,
  pull_mirror_min_interval_seconds: optionalInteger,
  push_mirror_min_interval_seconds: optionalInteger,
  mirror_max_updates_per_host: optionalInteger,
  mirror_update_timeout_seconds: optionalInteger,
  mirror_stall_timeout_seconds: optionalInteger,
  mirror_update_retention_days: optionalInteger,
  repository_size_limit: optionalInteger,
  max_refs: optionalInteger,
  fsck_severity: optionalWord(FSCK_SEVERITIES),
  session_expire_delay: optionalInteger,
});
