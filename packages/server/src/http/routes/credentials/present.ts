import type { CredentialAnswer, CredentialUseAnswer } from "@heliostat/contract/api/credentials.ts";
import type { CredentialView } from "../../../app/credentials/credential-use-cases.ts";
import type { MirrorOfProject } from "../../../app/ports.ts";
import { fingerprintOf } from "../../../domain/ssh-public-key.ts";
import { presentTime, presentUrl } from "../mirrors/present.ts";

/** All that is known of a credential but its secret. */
export function presentCredential(view: CredentialView): CredentialAnswer {
  const { credential } = view;
  const { namespace, publicKey } = credential;
  return {
    id: credential.id,
    name: credential.name,
    kind: credential.kind,
    namespace: {
      id: namespace.id,
      name: namespace.name,
      kind: namespace.kind,
      full_path: namespace.fullPath,
    },
    username: credential.username,
    public_key: publicKey,
    fingerprint: publicKey === null ? null : fingerprintOf(publicKey),
    expires_at: presentTime(credential.expiresAt),
    expired: view.isExpired,
    expires_soon: view.expiresSoon,
    rotated_at: credential.rotatedAt.toISOString(),
    mirrors_count: credential.mirrorsCount,
    needs_secret: view.needsSecret,
    created_at: credential.createdAt.toISOString(),
    updated_at: credential.updatedAt.toISOString(),
  };
}

/** A mirror that uses a credential: where it goes, and how it stands. */
export function presentCredentialUse({ mirror, projectPath }: MirrorOfProject): CredentialUseAnswer {
  return {
    mirror_id: mirror.id,
    project_id: mirror.projectId,
    project_path: projectPath,
    direction: mirror.direction,
    url: presentUrl(mirror),
    enabled: mirror.enabled,
    update_status: mirror.updateStatus,
  };
}
