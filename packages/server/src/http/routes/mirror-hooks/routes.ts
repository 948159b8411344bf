import { hookSecretSchema, newHookSecretParams } from "@heliostat/contract/api/hook-secrets.ts";
import { mirrorParams } from "@heliostat/contract/api/mirrors.ts";
import { apiRoute, created, noContent } from "../../api-route.ts";

const PATH = "/projects/:id/mirrors/:mirror_id/hook_secret";

/** What GitLab has no word for: the secret with which the other side of a mirror signs its webhooks. */
export const hookSecretRoutes = [
  apiRoute({
    method: "POST",
    path: PATH,
    access: "api",
    summary: "Give a mirror a hook secret",
    params: newHookSecretParams,
    answer: hookSecretSchema,
    handle: async ({ useCases, principal, params }) => {
      const given = params.secret ?? null;
      const made = await useCases.createHookSecret(principal, params.id, params.mirror_id, given);
      return created({
        mirror_id: made.mirrorId,
        secret: made.secret,
        created_by: made.createdBy,
        created_at: made.createdAt.toISOString(),
      });
    },
  }),
  apiRoute({
    method: "DELETE",
    path: PATH,
    access: "api",
    summary: "Take a mirror's hook secret away",
    params: mirrorParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeHookSecret(principal, params.id, params.mirror_id);
      return noContent();
    },
  }),
];
