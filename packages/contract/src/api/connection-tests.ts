import { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../errors.ts";
import { AUTH_METHODS, MIRROR_DIRECTIONS } from "../words.ts";
import { nullableRowId, nullableText, optionalWord, pathOrId, rowId, text } from "./parameters.ts";

// The keys of a literal are known to be its own.
const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

/** What can be done at a remote. `code` and what follows name the first thing that stood in the way. */
export const connectionReportSchema = z
  .object({
    reachable: z.boolean(),
    can_list: z.boolean(),
    refs_count: z.int().nullable(),
    default_branch: z.string().nullable(),
    object_format: z.enum(["sha1", "sha256"]).nullable(),
    /** Null: not tried. */
    can_push: z.boolean().nullable(),
    code: z.enum(CODES).nullable(),
    message: z.string().nullable(),
    fix: z.string().nullable(),
    duration_ms: z.int(),
    /** What an SSH server showed. */
    host_keys: z.array(z.object({ algorithm: z.string(), fingerprint_sha256: z.string() })),
  })
  .meta({ id: "ConnectionReport" });
export type ConnectionReportAnswer = z.infer<typeof connectionReportSchema>;

/** Lines in known_hosts form, in one text or several. */
const hostKeys = z.preprocess(
  (value) => (typeof value === "string" ? [value] : (value ?? undefined)),
  z
    .array(text)
    .transform((lines) => lines.join("\n"))
    .optional(),
);

export const newMirrorTestParams = z.object({
  id: pathOrId,
  direction: z.enum(MIRROR_DIRECTIONS),
  url: text,
  auth_user: nullableText,
  auth_password: nullableText,
  auth_method: optionalWord(AUTH_METHODS),
  credential_id: nullableRowId,
  host_keys: hostKeys,
});

export const credentialTestParams = z.object({
  id: rowId,
  url: text,
  /** `pull` unless told: then nothing is tried but to list the refs. */
  direction: optionalWord(MIRROR_DIRECTIONS),
  host_keys: hostKeys,
});
