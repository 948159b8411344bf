import { z } from "zod";
import {
  filledText,
  nullableMoment,
  optionalFlag,
  optionalText,
  pageParams,
  pathOrId,
  rowId,
  timestamp,
} from "./parameters.ts";
import { userSchema } from "./users.ts";

/** A user's SSH key. */
export const sshKeySchema = z
  .object({
    id: z.int(),
    title: z.string(),
    key: z.string(),
    fingerprint: z.string(),
    fingerprint_sha256: z.string(),
    created_at: timestamp,
    expires_at: timestamp.nullable(),
    last_used_at: timestamp.nullable(),
    usage_type: z.enum(["auth"]),
  })
  .meta({ id: "SshKey" });
export type SshKeyAnswer = z.infer<typeof sshKeySchema>;

/** The same for admins, with its user; null for a deploy key. */
export const ownedSshKeySchema = sshKeySchema
  .extend({ user: userSchema.nullable() })
  .meta({ id: "OwnedSshKey" });
export type OwnedSshKeyAnswer = z.infer<typeof ownedSshKeySchema>;

export const deployKeySchema = sshKeySchema.omit({ usage_type: true }).meta({ id: "DeployKey" });

/** A deploy key as one project has it. */
export const projectDeployKeySchema = deployKeySchema
  .extend({ can_push: z.boolean() })
  .meta({ id: "ProjectDeployKey" });
export type ProjectDeployKeyAnswer = z.infer<typeof projectDeployKeySchema>;

/** A deploy key as admins see it, by the projects that it opens. */
export const deployKeyOfInstanceSchema = deployKeySchema
  .extend({
    projects_with_write_access: z.array(z.object({ id: z.int() })),
    projects_with_readonly_access: z.array(z.object({ id: z.int() })),
  })
  .meta({ id: "DeployKeyOfInstance" });
export type DeployKeyOfInstanceAnswer = z.infer<typeof deployKeyOfInstanceSchema>;

const newKey = { title: filledText, key: filledText, expires_at: nullableMoment };

export const ownKeyListParams = z.object({ ...pageParams });
export const ownKeyParams = z.object({ key_id: rowId });
export const newOwnKeyParams = z.object(newKey);
/** `:id` is an id or a user name. */
export const userKeyListParams = z.object({ id: pathOrId, ...pageParams });
export const userKeyParams = z.object({ id: pathOrId, key_id: rowId });
export const newUserKeyParams = z.object({ id: pathOrId, ...newKey });
export const anyKeyParams = z.object({ id: rowId });
export const keyByFingerprintParams = z.object({ fingerprint: filledText });

export const deployKeyListParams = z.object({ id: pathOrId, ...pageParams });
export const deployKeyParams = z.object({ id: pathOrId, key_id: rowId });
export const newDeployKeyParams = z.object({ id: pathOrId, ...newKey, can_push: optionalFlag });
export const deployKeyChangeParams = z.object({
  id: pathOrId,
  key_id: rowId,
  title: optionalText,
  can_push: optionalFlag,
});
