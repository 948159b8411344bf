import { z } from "zod";
import { SSH_KEY_TYPES } from "../words.ts";
import {
  optionalFlag,
  optionalStrings,
  optionalText,
  optionalWord,
  pathOrId,
  rowId,
  text,
  textList,
} from "./parameters.ts";

/** A host key as GitLab shows it: `fingerprint` is MD5 with colons, `index` the line of the text that it stands in. */
export const hostKeySchema = z
  .object({
    bits: z.int(),
    fingerprint: z.string(),
    fingerprint_sha256: z.string(),
    type: z.enum(["rsa", "dsa", "ecdsa", "ed25519"]),
    index: z.int(),
  })
  .meta({ id: "HostKey" });
export type HostKeyAnswer = z.infer<typeof hostKeySchema>;

/** What a server shows, with GitLab's keys; `known_hosts` is what to save with the mirror. */
export const hostKeyDetectionSchema = z
  .object({
    host_keys_changed: z.boolean(),
    fingerprints: z.array(hostKeySchema),
    known_hosts: z.string(),
  })
  .meta({ id: "HostKeyDetection" });
export type HostKeyDetectionAnswer = z.infer<typeof hostKeyDetectionSchema>;

/** The stored host keys of a mirror against those that its server shows now. */
export const hostKeyReviewSchema = z
  .object({
    mirror_id: z.int(),
    host_keys_changed: z.boolean(),
    /** Shown, and not stored. */
    added: z.array(hostKeySchema),
    /** Stored, and no more shown. */
    removed: z.array(hostKeySchema),
    kept: z.array(hostKeySchema),
    /** Shown, and marked `@revoked` among the stored ones: they cannot be accepted. */
    revoked: z.array(hostKeySchema),
    /** All that the server shows. */
    known_hosts: z.string(),
    /**
     * All that the server shows and is not revoked, in SHA-256: what `accept` wants to be told, so that it stores what was
     * reviewed.
     */
    fingerprints: z.array(z.string()),
  })
  .meta({ id: "HostKeyReview" });
export type HostKeyReviewAnswer = z.infer<typeof hostKeyReviewSchema>;

export const publicKeySchema = z.object({ public_key: z.string() }).meta({ id: "PublicKey" });
export type PublicKeyAnswer = z.infer<typeof publicKeySchema>;

export const hostKeyDetectionParams = z.object({
  id: pathOrId,
  ssh_url: text,
  compare_host_keys: optionalText,
});
/** Of GitLab's web endpoint, whose path names the project. */
export const webHostKeyDetectionParams = hostKeyDetectionParams.omit({ id: true });
export const hostKeyReviewParams = z.object({ id: pathOrId, mirror_id: rowId });
export const hostKeyAcceptanceParams = hostKeyReviewParams.extend({ fingerprints: textList });

/** An answer may be sent back as it is: there these are descriptions of keys, from which nothing can be stored. */
const submittedHostKeys = z.preprocess(
  (value) => (isDescription(value) ? undefined : value),
  optionalStrings,
);

function isDescription(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((key) => typeof key === "object");
}

/** What each endpoint that saves mirrors takes for SSH. All but `host_keys` are ours. */
export const sshAttributes = {
  host_keys: submittedHostKeys,
  ssh_known_hosts: optionalText,
  ssh_key_type: optionalWord(SSH_KEY_TYPES),
  ssh_private_key: optionalText,
  regenerate_ssh_private_key: optionalFlag,
} as const;
