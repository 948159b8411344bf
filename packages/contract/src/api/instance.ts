import { z } from "zod";

export const versionSchema = z.object({ version: z.string(), revision: z.string() }).meta({ id: "Version" });
export type VersionAnswer = z.infer<typeof versionSchema>;

export const metadataSchema = versionSchema
  .extend({
    enterprise: z.boolean(),
    kas: z.object({
      enabled: z.boolean(),
      externalUrl: z.string().nullable(),
      version: z.string().nullable(),
    }),
  })
  .meta({ id: "Metadata" });
export type MetadataAnswer = z.infer<typeof metadataSchema>;

export const readinessSchema = z
  .object({
    status: z.enum(["ok", "failed"]),
    checks: z.record(z.string(), z.object({ status: z.enum(["ok", "failed"]) })),
  })
  .meta({ id: "Readiness" });
export type ReadinessAnswer = z.infer<typeof readinessSchema>;

/** One key that this server shows to SSH clients. */
export const instanceHostKeySchema = z
  .object({
    algorithm: z.string(),
    bits: z.int(),
    fingerprint_sha256: z.string(),
    /** A line for known_hosts, with the name by which clients reach the server. */
    known_hosts: z.string(),
  })
  .meta({ id: "InstanceHostKey" });
export type InstanceHostKeyAnswer = z.infer<typeof instanceHostKeySchema>;

/** That it is being done: `202 Accepted`. */
export const messageSchema = z.object({ message: z.string() }).meta({ id: "Message" });

/** That it is done, where GitLab has no more to say. */
export const trueSchema = z.literal(true).meta({ id: "True" });
