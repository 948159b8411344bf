import { noParams } from "@heliostat/contract/api/parameters.ts";
import {
  mirrorNeedingSecretListParams,
  mirrorNeedingSecretSchema,
  type SecretsRotatedAnswer,
  secretsRotatedSchema,
  secretsRotateParams,
  secretsStateSchema,
} from "@heliostat/contract/api/secrets.ts";
import { listOf, withStatus } from "../../api-answer.ts";
import { apiRoute, list, ok, pageFrom } from "../../api-route.ts";
import { presentMirrorNeedingSecret, presentSecretsState } from "./present.ts";

/** The secrets file: its keys, changing them, and the mirrors that it cannot help any more. */
export const secretRoutes = [
  apiRoute({
    method: "GET",
    path: "/application/secrets",
    access: "read_api",
    summary: "Show with which keys secrets are sealed",
    params: noParams,
    answer: secretsStateSchema,
    handle: async ({ useCases, principal }) =>
      ok(presentSecretsState(await useCases.readSecretsState(principal))),
  }),
  apiRoute({
    method: "POST",
    path: "/application/secrets/rotate",
    access: "api",
    summary: "Seal all secrets with a new key",
    params: secretsRotateParams,
    answer: withStatus(200, secretsRotatedSchema),
    handle: async ({ useCases, principal, params }) => {
      const removesOldKeys = params.remove_old_keys ?? false;
      const rotated = await useCases.rotateSecrets(principal, { removesOldKeys });
      const { key, sealed, unreadable, removed, state } = rotated;
      const answer: SecretsRotatedAnswer = {
        key,
        sealed,
        unreadable: unreadable.map((secret) => ({
          kind: secret.kind,
          mirror_id: secret.mirrorId,
          credential_id: secret.credentialId,
          username: secret.username,
          hook_id: secret.hookId,
          pipeline_trigger_id: secret.pipelineTriggerId,
        })),
        removed: [...removed],
        ...presentSecretsState(state),
      };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/mirrors/needing_secret",
    access: "read_api",
    summary: "List the mirrors whose secret has to be given again",
    params: mirrorNeedingSecretListParams,
    answer: listOf(mirrorNeedingSecretSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const { items, total } = await useCases.listMirrorsNeedingSecret(principal, page);
      return list(items.map(presentMirrorNeedingSecret), page, total);
    },
  }),
];
