import { z } from "zod";
import { MIRROR_DIRECTIONS, SEALED_KINDS, SECRET_KINDS } from "../words.ts";
import { optionalFlag, pageParams } from "./parameters.ts";

/** The keys of the secrets file, by their ids; never the keys. */
export const secretsStateSchema = z
  .object({
    keys: z.array(
      z.object({
        id: z.string(),
        /** New secrets are sealed with this one. */
        current: z.boolean(),
        /** False: it is not in the secrets file, and what it sealed cannot be opened. */
        known: z.boolean(),
        /** Secrets in the database that are sealed with it. */
        secrets: z.int(),
      }),
    ),
    mirrors_needing_secret: z.int(),
    /** Those whose second factor cannot be checked: they sign in with a recovery code, or have it reset by an admin. */
    users_without_second_factor: z.array(z.string()),
  })
  .meta({ id: "SecretsState" });
export type SecretsStateAnswer = z.infer<typeof secretsStateSchema>;

export const secretsRotateParams = z.object({
  /** Takes old keys that seal nothing any more out of the file. A backup of the database from before needs them. */
  remove_old_keys: optionalFlag,
});

export const secretsRotatedSchema = secretsStateSchema
  .extend({
    key: z.string(),
    sealed: z.int(),
    /** Damaged: the key is there, and they do not open. They were left as they are; of the owners all but one are null. */
    unreadable: z.array(
      z.object({
        kind: z.enum(SEALED_KINDS),
        mirror_id: z.int().nullable(),
        /** Of a named credential. */
        credential_id: z.int().nullable(),
        /** Of a second factor. */
        username: z.string().nullable(),
        hook_id: z.int().nullable(),
        pipeline_trigger_id: z.int().nullable(),
      }),
    ),
    removed: z.array(z.string()),
  })
  .meta({ id: "SecretsRotated" });
export type SecretsRotatedAnswer = z.infer<typeof secretsRotatedSchema>;

/** A mirror with a stored secret that it needs and that cannot be opened any more: it is to be given again. */
export const mirrorNeedingSecretSchema = z
  .object({
    id: z.int(),
    project_id: z.int(),
    project_path: z.string(),
    direction: z.enum(MIRROR_DIRECTIONS),
    url: z.string(),
    /** What is to be given again; password and SSH key of a named credential for all mirrors that use it. */
    kinds: z.array(z.enum(SECRET_KINDS)),
    credential: z.object({ id: z.int(), name: z.string() }).nullable(),
  })
  .meta({ id: "MirrorNeedingSecret" });
export type MirrorNeedingSecretAnswer = z.infer<typeof mirrorNeedingSecretSchema>;

export const mirrorNeedingSecretListParams = z.object(pageParams);
