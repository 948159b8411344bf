import { z } from "zod";
import { BRANCH_FILTER_STRATEGIES, HOOK_EVENTS, type HookEvent } from "../words.ts";
import {
  filledText,
  nullableText,
  optionalFlag,
  optionalText,
  optionalWord,
  pageParams,
  pathOrId,
  rowId,
  text,
  timestamp,
} from "./parameters.ts";

function forEachEvent<T>(value: T): Record<HookEvent, T> {
  return Object.fromEntries(HOOK_EVENTS.map((event) => [event, value])) as Record<HookEvent, T>;
}

/** A webhook of a project. Of tokens, and of the values of headers and URL variables, only that they are there. */
export const hookSchema = z
  .object({
    id: z.int(),
    /** With `{name}` where a URL variable is put in. */
    url: z.string(),
    name: z.string().nullable(),
    description: z.string().nullable(),
    project_id: z.int(),
    created_at: timestamp,
    ...forEachEvent(z.boolean()),
    push_events_branch_filter: z.string().nullable(),
    branch_filter_strategy: z.enum(BRANCH_FILTER_STRATEGIES),
    custom_webhook_template: z.string().nullable(),
    enable_ssl_verification: z.boolean(),
    alert_status: z.enum(["executable", "temporarily_disabled", "disabled"]),
    disabled_until: timestamp.nullable(),
    url_variables: z.array(z.object({ key: z.string() })),
    custom_headers: z.array(z.object({ key: z.string() })),
    token_present: z.boolean(),
    signing_token_present: z.boolean(),
    /** The key that sealed one of its secrets is lost: it must be given again. */
    needs_secret: z.boolean(),
  })
  .meta({ id: "Hook" });
export type HookAnswer = z.infer<typeof hookSchema>;

/** A delivery, as it was attempted last. */
export const hookEventSchema = z
  .object({
    id: z.int(),
    url: z.string().nullable(),
    trigger: z.string(),
    request_headers: z.record(z.string(), z.string()),
    request_data: z.record(z.string(), z.unknown()),
    response_headers: z.record(z.string(), z.string()),
    response_body: z.string().nullable(),
    execution_duration: z.number().nullable(),
    /** HTTP status; `internal error` where there was no answer; `pending` before the first attempt. */
    response_status: z.string(),
    error: z.string().nullable(),
    attempts: z.int(),
    next_attempt_at: timestamp.nullable(),
    created_at: timestamp,
  })
  .meta({ id: "HookEvent" });
export type HookEventAnswer = z.infer<typeof hookEventSchema>;

/** What came of sending it once more: an HTTP status, or `internal error`. */
export const hookResendSchema = z
  .object({ response_status: z.union([z.string(), z.int()]), error: z.string().nullable() })
  .meta({ id: "HookResend" });

const pair = z.object({ key: text, value: optionalText });

/** A list of pairs, or as some form encoders have it, an object whose values are its elements. */
const optionalPairs = z.preprocess((value) => {
  if (value === null || value === "") return undefined;
  const isKeyed = typeof value === "object" && !Array.isArray(value) && value !== undefined;
  return isKeyed && Object.keys(value).every((key) => /^\d+$/.test(key)) ? Object.values(value) : value;
}, z.array(pair).max(100).optional());

const settings = {
  name: nullableText,
  description: nullableText,
  ...forEachEvent(optionalFlag),
  enable_ssl_verification: optionalFlag,
  token: nullableText,
  signing_token: nullableText,
  push_events_branch_filter: nullableText,
  branch_filter_strategy: optionalWord(BRANCH_FILTER_STRATEGIES),
  custom_webhook_template: nullableText,
  custom_headers: optionalPairs,
  url_variables: optionalPairs,
} as const;

export const hookListParams = z.object({ id: pathOrId, ...pageParams });
export const hookParams = z.object({ id: pathOrId, hook_id: rowId });
export const newHookParams = z.object({ id: pathOrId, url: filledText, ...settings });
export const hookChangeParams = hookParams.extend({ url: optionalText, ...settings });
export const hookTestParams = hookParams.extend({ trigger: z.enum(HOOK_EVENTS) });
export const hookPairParams = hookParams.extend({ key: text });
export const hookPairValueParams = hookPairParams.extend({ value: filledText });

const STATUS_GROUPS = ["successful", "client_failure", "server_failure"] as const;
/** HTTP statuses, or GitLab's names for groups of them. */
const statusList = z.preprocess(
  (value) =>
    value === undefined || value === null || value === ""
      ? undefined
      : [value].flat().map((each) => (/^\d{3}$/.test(String(each)) ? Number(each) : each)),
  z
    .array(z.union([z.int().min(100).max(599), z.enum(STATUS_GROUPS)]))
    .max(20)
    .optional(),
);
export const hookEventListParams = hookParams.extend({ status: statusList, ...pageParams });

const bigRowId = z.preprocess(
  (value) => (typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value),
  z.int().min(0),
);
export const hookEventParams = hookParams.extend({ hook_event_id: bigRowId });
