import { z } from "zod";
import { PIPELINE_TRIGGER_KINDS } from "../words.ts";
import {
  filledText,
  nullableText,
  optionalFlag,
  optionalText,
  pageParams,
  pathOrId,
  rowId,
  timestamp,
} from "./parameters.ts";

/** What starts a pipeline elsewhere when the project's pull mirror brought something. The token is never answered. */
export const pipelineTriggerSchema = z.object({
  id: z.int(),
  project_id: z.int(),
  kind: z.enum(PIPELINE_TRIGGER_KINDS),
  name: z.string(),
  url: z.string(),
  enabled: z.boolean(),
  enable_ssl_verification: z.boolean(),
  /** RE2, over the full names of refs; null: all. */
  ref_filter: z.string().nullable(),
  /** Of `github`, `gitea` and `forgejo`: the file of the workflow. */
  workflow: z.string().nullable(),
  /** Of `jenkins`: who the token belongs to; null: it is that of the job. */
  user: z.string().nullable(),
  variables: z.record(z.string(), z.string()),
  has_token: z.boolean(),
  alert_status: z.enum(["executable", "temporarily_disabled", "disabled"]),
  /** Null: it is in use, or off for good. */
  disabled_until: timestamp.nullable(),
  created_at: timestamp,
  updated_at: timestamp,
});
export type PipelineTriggerAnswer = z.infer<typeof pipelineTriggerSchema>;

/** One request that was made, or is to be. */
export const pipelineDeliverySchema = z.object({
  id: z.int(),
  ref: z.string(),
  old: z.string().nullable(),
  new: z.string().nullable(),
  url: z.string().nullable(),
  request_headers: z.record(z.string(), z.string()),
  response_status: z.int().nullable(),
  response_headers: z.record(z.string(), z.string()),
  response_body: z.string().nullable(),
  /** Seconds. */
  execution_duration: z.number().nullable(),
  error: z.string().nullable(),
  attempts: z.int(),
  next_attempt_at: timestamp.nullable(),
  created_at: timestamp,
});
export type PipelineDeliveryAnswer = z.infer<typeof pipelineDeliverySchema>;

const variables = z.preprocess(
  (value) => value ?? undefined,
  z.record(z.string().min(1).max(255), z.string().max(4096)).optional(),
);

const settings = {
  enabled: optionalFlag,
  enable_ssl_verification: optionalFlag,
  ref_filter: nullableText,
  workflow: nullableText,
  user: nullableText,
  variables,
  /** Null and empty take it away. */
  token: nullableText,
} as const;

export const pipelineTriggerListParams = z.object({ id: pathOrId });
export const newPipelineTriggerParams = z.object({
  id: pathOrId,
  kind: z.enum(PIPELINE_TRIGGER_KINDS),
  name: filledText,
  url: filledText,
  ...settings,
});
export const pipelineTriggerParams = z.object({ id: pathOrId, trigger_id: rowId });
export const pipelineTriggerChangeParams = pipelineTriggerParams.extend({
  name: optionalText,
  url: optionalText,
  ...settings,
});
/** `ref`: a full name; the default branch where it is left out. */
export const pipelineTriggerTestParams = pipelineTriggerParams.extend({ ref: optionalText });
export const pipelineDeliveryListParams = pipelineTriggerParams.extend(pageParams);
