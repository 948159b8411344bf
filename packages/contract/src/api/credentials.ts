import { z } from "zod";
import { CREDENTIAL_KINDS, MIRROR_DIRECTIONS, SSH_KEY_TYPES, UPDATE_STATUSES } from "../words.ts";
import {
  filledText,
  nullableMoment,
  nullableText,
  optionalRowId,
  optionalText,
  optionalWord,
  pageParams,
  rowId,
  timestamp,
} from "./parameters.ts";

/** A named credential. What it is sealed for is never answered: no password, no token, no private key. */
export const credentialSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    kind: z.enum(CREDENTIAL_KINDS),
    namespace: z.object({
      id: z.int(),
      name: z.string(),
      kind: z.enum(["user", "group"]),
      full_path: z.string(),
    }),
    username: z.string().nullable(),
    /** Of an SSH key pair, one line in OpenSSH's form, with its SHA-256 fingerprint. */
    public_key: z.string().nullable(),
    fingerprint: z.string().nullable(),
    /** As its owner says it; null: not known. */
    expires_at: timestamp.nullable(),
    expired: z.boolean(),
    /** Within seven days. */
    expires_soon: z.boolean(),
    rotated_at: timestamp,
    mirrors_count: z.int(),
    /** The key that sealed it is lost: it must be given anew. */
    needs_secret: z.boolean(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: "Credential" });
export type CredentialAnswer = z.infer<typeof credentialSchema>;

/** A mirror that uses a credential. */
export const credentialUseSchema = z
  .object({
    mirror_id: z.int(),
    project_id: z.int(),
    project_path: z.string(),
    direction: z.enum(MIRROR_DIRECTIONS),
    url: z.string(),
    enabled: z.boolean(),
    update_status: z.enum(UPDATE_STATUSES),
  })
  .meta({ id: "CredentialUse" });
export type CredentialUseAnswer = z.infer<typeof credentialUseSchema>;

export const credentialListParams = z.object({
  search: optionalText,
  namespace_id: optionalRowId,
  ...pageParams,
});
export const credentialParams = z.object({ id: rowId });
export const credentialUseListParams = credentialParams.extend(pageParams);

/** The secret of a credential: a password or token; or a private key that is given, or a pair that is made here. */
const secret = {
  password: nullableText,
  /** In OpenSSH's or PEM form, without a passphrase. */
  private_key: nullableText,
  /** The pair that is made where no private key is given: `ed25519` unless told. */
  key_type: optionalWord(SSH_KEY_TYPES),
} as const;

export const newCredentialParams = z.object({
  name: filledText,
  /** `password` unless told. */
  kind: optionalWord(CREDENTIAL_KINDS),
  /** The user's own unless told. */
  namespace_id: optionalRowId,
  username: nullableText,
  expires_at: nullableMoment,
  ...secret,
});
export const credentialChangeParams = credentialParams.extend({
  name: optionalText,
  username: nullableText,
  expires_at: nullableMoment,
});
export const credentialRotationParams = credentialParams.extend({
  username: nullableText,
  expires_at: nullableMoment,
  ...secret,
});
