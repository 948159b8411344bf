import type { MirrorNeedingSecretAnswer, SecretsStateAnswer } from "@heliostat/contract/api/secrets.ts";
import type { MirrorOfProject } from "../../../app/ports.ts";
import type { SecretsState } from "../../../app/use-cases.ts";
import { presentUrl } from "../mirrors/present.ts";

export function presentSecretsState({ keys, mirrorsNeedingSecret }: SecretsState): SecretsStateAnswer {
  return {
    keys: keys.map(({ id, isCurrent, isKnown, secrets }) => ({
      id,
      current: isCurrent,
      known: isKnown,
      secrets,
    })),
    mirrors_needing_secret: mirrorsNeedingSecret,
  };
}

export function presentMirrorNeedingSecret({
  mirror,
  projectPath,
}: MirrorOfProject): MirrorNeedingSecretAnswer {
  return {
    id: mirror.id,
    project_id: mirror.projectId,
    project_path: projectPath,
    direction: mirror.direction,
    url: presentUrl(mirror),
    kind: mirror.authMethod === "ssh_public_key" ? "ssh_key" : "password",
    credential: mirror.credential,
  };
}
