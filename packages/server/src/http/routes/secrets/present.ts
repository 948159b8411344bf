import type { MirrorNeedingSecretAnswer, SecretsStateAnswer } from "@heliostat/contract/api/secrets.ts";
import type { MirrorNeedingSecret, SecretsState } from "../../../app/use-cases.ts";
import { presentUrl } from "../mirrors/present.ts";

/** Keys by id, never a key itself. */
export function presentSecretsState({
  keys,
  mirrorsNeedingSecret,
  usersWithoutSecondFactor,
}: SecretsState): SecretsStateAnswer {
  return {
    keys: keys.map(({ id, isCurrent, isKnown, secrets }) => ({
      id,
      current: isCurrent,
      known: isKnown,
      secrets,
    })),
    mirrors_needing_secret: mirrorsNeedingSecret,
    users_without_second_factor: [...usersWithoutSecondFactor],
  };
}

/** The mirror and the kinds of secret that have to be given again. */
export function presentMirrorNeedingSecret({
  mirror,
  projectPath,
  lostSecrets,
}: MirrorNeedingSecret): MirrorNeedingSecretAnswer {
  return {
    id: mirror.id,
    project_id: mirror.projectId,
    project_path: projectPath,
    direction: mirror.direction,
    url: presentUrl(mirror),
    kinds: [...lostSecrets],
    credential: mirror.credential,
  };
}
