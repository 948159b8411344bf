import { z } from "zod";
import {
  optionalMoment,
  optionalRowId,
  optionalText,
  optionalWord,
  pageParams,
  pathOrId,
  timestamp,
} from "./parameters.ts";

const ENTITY_TYPES = ["Instance", "User", "Group", "Project"] as const;

/** How the whole log can be had. */
export const EXPORT_FORMATS = ["csv", "ndjson"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** One change: GitLab's keys, then ours. */
export const auditEventSchema = z
  .object({
    id: z.int(),
    /** Null: it was no user, but a deploy key or nobody. */
    author_id: z.int().nullable(),
    author_name: z.string(),
    entity_id: z.int().nullable(),
    entity_type: z.enum(ENTITY_TYPES),
    entity_path: z.string().nullable(),
    target_type: z.string().nullable(),
    target_id: z.int().nullable(),
    target_details: z.string().nullable(),
    ip_address: z.string().nullable(),
    created_at: timestamp,
    /** What GitLab's clients look for in it, and what this kind of change has to tell besides. */
    details: z.record(z.string(), z.unknown()),
    /** What was done, such as `mirror-url-changed`. */
    event_name: z.string(),
    /** The token or key by which the author came in; null: by signing in. */
    authenticated_by: z.string().nullable(),
    /** `http`, `ssh`, `cli`; `internal`: the server itself. */
    door: z.string().nullable(),
  })
  .meta({ id: "AuditEvent" });
export type AuditEventAnswer = z.infer<typeof auditEventSchema>;

const withinParams = {
  created_after: optionalMoment,
  created_before: optionalMoment,
  author_id: optionalRowId,
  event_name: optionalText,
} as const;

const filterParams = {
  ...withinParams,
  entity_type: optionalWord(ENTITY_TYPES),
  entity_id: optionalRowId,
} as const;

/** Of what this is the id is a number that outgrows 32 bits one day. */
const eventId = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const auditEventListParams = z.object({ ...filterParams, ...pageParams });
export const auditEventParams = z.object({ audit_event_id: eventId });
export const auditEventExportParams = z.object({ ...filterParams, format: optionalWord(EXPORT_FORMATS) });
export const placeAuditEventListParams = z.object({ id: pathOrId, ...withinParams, ...pageParams });
export const placeAuditEventParams = z.object({ id: pathOrId, audit_event_id: eventId });
