import type {
  MirrorAnswer,
  MirrorHookHeardAnswer,
  MirrorStartAnswer,
} from "@heliostat/contract/api/mirrors.ts";
import type { HeardHook } from "../../../app/mirror-hooks/mirror-hook-use-cases.ts";
import type { MirrorStart, MirrorView } from "../../../app/use-cases.ts";
import { type CertificateFacts, describeCertificates } from "../../../domain/certificates.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { describeKeys } from "../../../domain/known-hosts.ts";
import type { Mirror } from "../../../domain/mirror.ts";
import { maskUrl } from "../../../domain/remote-url.ts";
import { fingerprintOf } from "../../../domain/ssh-public-key.ts";
import type { BodyAnswer } from "../../api-answer.ts";
import { ok } from "../../api-route.ts";
import { presentUser } from "../users/present.ts";

/** The mirror's URL for answers: userinfo that came inside it is masked, what came apart from it is not shown. */
export function presentUrl(mirror: Mirror): string {
  return maskUrl(mirror.url, {
    hadUserinfo: mirror.urlHadUserinfo,
    username: mirror.username,
    hasPassword: mirror.hasPassword,
  });
}

/** RFC 3339 in UTC, with milliseconds. */
export function presentTime(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}

/** The host keys of a mirror as GitLab's endpoints show them. */
export function presentFingerprints({ knownHosts }: Mirror): { fingerprint_sha256: string }[] {
  return describeKeys(knownHosts).map(({ fingerprint_sha256 }) => ({ fingerprint_sha256 }));
}

/** All that may be told of a mirror: secrets are only said to be there, and masked in the URL. */
export function presentMirror(view: MirrorView, externalUrl: string): MirrorAnswer {
  const { mirror, nextUpdateAt, isPaused, hostPausedUntil, lostSecrets, hostKeysVerifiedBy } = view;
  return {
    id: mirror.id,
    project_id: mirror.projectId,
    direction: mirror.direction,
    enabled: mirror.enabled,
    url: presentUrl(mirror),
    auth_method: mirror.authMethod,
    public_key: mirror.publicKey,
    public_key_fingerprint_sha256: mirror.publicKey === null ? null : fingerprintOf(mirror.publicKey),
    ssh_known_hosts: mirror.knownHosts,
    host_keys: [...describeKeys(mirror.knownHosts)],
    host_keys_verified_at: presentTime(mirror.hostKeysVerifiedAt),
    host_keys_verified_by: hostKeysVerifiedBy && presentUser(hostKeysVerifiedBy, externalUrl),
    credential: mirror.credential,
    credential_expires_at: presentTime(mirror.credentialExpiresAt),
    credential_expires_soon: view.credentialExpiresSoon,
    ca_certificates: mirror.caCertificates,
    ca_certificate_details: describeCertificates(mirror.caCertificates).map(presentCertificate),
    client_certificate: mirror.clientCertificate,
    client_certificate_details:
      describeCertificates(mirror.clientCertificate).map(presentCertificate)[0] ?? null,
    update_status: mirror.updateStatus,
    last_error: mirror.lastError,
    last_update_at: presentTime(mirror.lastUpdateAt),
    last_update_started_at: presentTime(mirror.lastUpdateStartedAt),
    last_successful_update_at: presentTime(mirror.lastSuccessfulUpdateAt),
    next_check_at: presentTime(mirror.nextCheckAt),
    next_update_at: presentTime(nextUpdateAt),
    retry_count: mirror.retryCount,
    paused: isPaused,
    host_paused_until: presentTime(hostPausedUntil),
    needs_secret: lostSecrets.length > 0,
    lost_secrets: [...lostSecrets],
    only_protected_branches: mirror.options.onlyProtectedBranches,
    mirror_branch_regex: mirror.options.branchRegex,
    keep_divergent_refs: mirror.options.keepDivergentRefs,
    overwrites_diverged_branches: mirror.options.overwritesDivergedBranches,
    trigger_builds: mirror.options.triggerBuilds,
    mirror_tags: mirror.options.tags,
    mirror_deletions: mirror.options.deletions,
    follow_default_branch: mirror.options.followDefaultBranch,
    interval_seconds: mirror.options.intervalSeconds,
    adaptive_interval: mirror.options.adaptiveInterval,
    hook: {
      has_secret: view.hook.hasSecret,
      received_at: presentTime(view.hook.receivedAt),
      missed_count: view.hook.missedCount,
      missed_at: presentTime(view.hook.missedAt),
      reliable: view.hook.isReliable,
    },
    user_id: mirror.userId,
    created_at: mirror.createdAt.toISOString(),
    updated_at: mirror.updatedAt.toISOString(),
  };
}

function presentCertificate({ subject, issuer, notAfter, fingerprintSha256 }: CertificateFacts) {
  return { subject, issuer, not_after: notAfter.toISOString(), fingerprint_sha256: fingerprintSha256 };
}

/** What came of a webhook, in the status that says whether anything was started. */
export function hookAnswer<A>(
  heard: HeardHook,
  started: (start: MirrorStart) => A,
): A | BodyAnswer<MirrorHookHeardAnswer, 200> {
  return heard.kind === "started" ? started(heard.start) : ok({ message: heard.why });
}

/** How a start went; `mirror-on-pause` when it did not. */
export function presentStart({ status, nextUpdateAt }: MirrorStart): MirrorStartAnswer {
  if (status === "on-pause") {
    throw new HeliostatError("mirror-on-pause", "Mirroring for the project is on pause");
  }
  return { status, next_update_at: presentTime(nextUpdateAt) };
}
