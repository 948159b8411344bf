import type { SecretKind } from "@heliostat/contract";
import { type Selectable, sql } from "kysely";
import type { Mirror } from "../domain/mirror.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import type { RemoteUrl } from "../domain/remote-url.ts";
import { usedSecrets } from "../domain/used-secrets.ts";
import type { Viewer } from "../domain/user.ts";
import { isMemberOfProject } from "./members.ts";
import { CREDENTIAL_FACTS, type CredentialFacts } from "./mirror-credentials.ts";
import type { Db } from "./pool.ts";
import type { MirrorsTable } from "./schema.ts";

/** What `toMirror` needs besides the row itself. */
export const MIRROR_FACTS = [
  CREDENTIAL_FACTS,
  sql<string | null>`(select secret_key_id from mirror_hook_secrets where mirror_id = mirrors.id)`.as(
    "hook_secret_key_id",
  ),
] as const;

type MirrorRow = Selectable<MirrorsTable> & {
  readonly credential: CredentialFacts | null;
  readonly hook_secret_key_id: string | null;
};

/** Mirrors with what `toMirror` needs of them. */
export function selectMirrors(db: Db) {
  return db.selectFrom("mirrors").selectAll("mirrors").select(MIRROR_FACTS);
}

/** The same, of the projects whose mirrors this user may see. As the policy has it: their maintainers, and all for admins. */
export function selectMirrorsSeenBy(db: Db, viewer: Viewer) {
  const all = selectMirrors(db)
    .innerJoin("projects", "projects.id", "mirrors.project_id")
    .innerJoin("namespaces", "namespaces.id", "projects.namespace_id");
  return viewer.isAdmin ? all : all.where(isMemberOfProject(viewer, ACCESS_LEVELS.maintainer));
}

/** A row, read with `MIRROR_FACTS`, as the domain's mirror: without the secrets and the lease. */
export function toMirror(row: MirrorRow): Mirror {
  const { credential } = row;
  const keyIds: Record<SecretKind, string | null | undefined> = {
    password: credential?.password_key_id,
    ssh_key: credential?.private_key_key_id,
    client_key: row.client_key_key_id,
    hook_secret: row.hook_secret_key_id,
  };
  // It was parsed before it was stored, and nothing else writes this column.
  const url = row.url as RemoteUrl;
  return {
    id: row.id,
    projectId: row.project_id,
    direction: row.direction,
    enabled: row.enabled,
    url,
    authMethod: row.auth_method,
    username: credential?.username ?? null,
    hasPassword: credential?.has_password ?? false,
    publicKey: credential?.public_key ?? null,
    credential: row.credential_id === null ? null : { id: row.credential_id, name: credential?.name ?? "" },
    credentialExpiresAt: credential?.expires_at ? new Date(credential.expires_at) : null,
    sealedSecrets: [...usedSecrets({ url, authMethod: row.auth_method }), "hook_secret" as const].flatMap(
      (kind) => {
        const keyId = keyIds[kind];
        return keyId ? [{ kind, keyId }] : [];
      },
    ),
    knownHosts: row.known_hosts,
    hostKeysVerifiedAt: row.host_keys_verified_at,
    hostKeysVerifiedBy: row.host_keys_verified_by,
    caCertificates: row.ca_certificates,
    clientCertificate: row.client_certificate,
    urlHadUserinfo: row.url_had_userinfo,
    options: {
      onlyProtectedBranches: row.only_protected_branches,
      branchRegex: row.branch_regex,
      keepDivergentRefs: row.keep_divergent_refs,
      overwritesDivergedBranches: row.overwrites_diverged_branches,
      triggerBuilds: row.trigger_builds,
      tags: row.tags,
      deletions: row.deletions,
      followDefaultBranch: row.follow_default_branch,
      intervalSeconds: row.interval_seconds,
      adaptiveInterval: row.adaptive_interval,
    },
    userId: row.user_id,
    updateStatus: row.update_status,
    lastError: row.last_error,
    lastErrorCode: row.last_error_code,
    lastUpdateAt: row.last_update_at,
    lastUpdateStartedAt: row.last_update_started_at,
    lastSuccessfulUpdateAt: row.last_successful_update_at,
    retryCount: row.retry_count,
    nextCheckAt: row.next_check_at,
    requestedAt: row.requested_at,
    appliedDigest: row.applied_digest,
    appliedGeneration: row.applied_generation,
    holdsRefs: row.holds_refs,
    lastChangedAt: row.last_changed_at,
    toldHealth: row.told_health,
    hook: {
      hasSecret: row.hook_secret_key_id !== null,
      receivedAt: row.hook_received_at,
      missedCount: row.hook_missed_count,
      missedAt: row.hook_missed_at,
    },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
