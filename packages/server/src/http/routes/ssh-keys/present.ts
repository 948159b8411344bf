import type {
  DeployKeyOfInstanceAnswer,
  OwnedSshKeyAnswer,
  ProjectDeployKeyAnswer,
  SshKeyAnswer,
} from "@heliostat/contract/api/ssh-keys.ts";
import type { OwnedSshKey, ProjectDeployKey } from "../../../app/ssh-keys/ssh-key-use-cases.ts";
import type { DeployKey, UserSshKey } from "../../../domain/ssh-key.ts";
import { presentUser } from "../users/present.ts";

function presentKey(key: UserSshKey | DeployKey) {
  return {
    id: key.id,
    title: key.title,
    key: key.key,
    fingerprint: key.fingerprintMd5,
    fingerprint_sha256: key.fingerprintSha256,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
  };
}

/** GitLab tells keys for signing apart; here all are for coming in. */
export function presentSshKey(key: UserSshKey | DeployKey): SshKeyAnswer {
  return { ...presentKey(key), usage_type: "auth" };
}

/** A key of any kind with its user; a deploy key has none. */
export function presentOwnedSshKey({ key, user }: OwnedSshKey, externalUrl: string): OwnedSshKeyAnswer {
  return { ...presentSshKey(key), user: user === null ? null : presentUser(user, externalUrl) };
}

/** A deploy key as one project has it. */
export function presentProjectDeployKey({ key, canPush }: ProjectDeployKey): ProjectDeployKeyAnswer {
  return { ...presentKey(key), can_push: canPush };
}

/** A deploy key as admins see it, by the projects that it opens. */
export function presentDeployKey(key: DeployKey): DeployKeyOfInstanceAnswer {
  const idsOf = (canPush: boolean) =>
    key.projects.filter((project) => project.canPush === canPush).map(({ projectId }) => ({ id: projectId }));
  return {
    ...presentKey(key),
    projects_with_write_access: idsOf(true),
    projects_with_readonly_access: idsOf(false),
  };
}
