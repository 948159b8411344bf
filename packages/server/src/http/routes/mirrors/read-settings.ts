import type { mirrorChangeParams, mirrorPreviewParams } from "@heliostat/contract/api/mirrors.ts";
import type { z } from "zod";
import type { MirrorSettings } from "../../../app/use-cases.ts";
import { given } from "../../../domain/given.ts";
import type { MirrorOptions } from "../../../domain/mirror.ts";
import { readSsh } from "./read-ssh.ts";
import { readTags } from "./read-tags.ts";

/** The options that are given; what is left out stays. */
export function readOptions(
  params: Omit<z.output<typeof mirrorPreviewParams>, "mirror_id">,
): Partial<MirrorOptions> {
  return given({
    onlyProtectedBranches: params.only_protected_branches,
    branchRegex: params.mirror_branch_regex,
    keepDivergentRefs: params.keep_divergent_refs,
    overwritesDivergedBranches: params.overwrites_diverged_branches,
    triggerBuilds: params.trigger_builds,
    tags: readTags(params.mirror_tags),
    deletions: params.mirror_deletions,
    followDefaultBranch: params.follow_default_branch,
    intervalSeconds: params.interval_seconds,
    adaptiveInterval: params.adaptive_interval,
  });
}

/** The settings that are given, with the options; what is left out stays. */
export function readSettings(params: Omit<z.output<typeof mirrorChangeParams>, "mirror_id">): MirrorSettings {
  return given({
    enabled: params.enabled,
    url: params.url,
    username: params.auth_user,
    password: params.auth_password,
    authMethod: params.auth_method,
    ...readSsh(params),
    credentialId: params.credential_id,
    caCertificates: params.ca_certificates,
    clientCertificate: params.client_certificate,
    clientKey: params.client_key,
    ...readOptions(params),
  });
}
