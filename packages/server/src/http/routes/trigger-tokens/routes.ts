import { mirrorHookHeardSchema, mirrorParams, mirrorStartSchema } from "@heliostat/contract/api/mirrors.ts";
import {
  createdTriggerTokenSchema,
  newTriggerTokenParams,
  triggerTokenParams,
  triggerTokenSchema,
} from "@heliostat/contract/api/trigger-tokens.ts";
import { oneOf, wholeListOf, withStatus } from "../../api-answer.ts";
import { accepted, apiRoute, created, noContent, ok } from "../../api-route.ts";
import { hookAnswer, presentStart } from "../mirrors/present.ts";
import { presentTriggerToken } from "./present.ts";

const MIRROR = "/projects/:id/mirrors/:mirror_id";

/** What GitLab has no word for: tokens that can start one mirror, and do nothing else. */
export const triggerTokenRoutes = [
  apiRoute({
    method: "GET",
    path: `${MIRROR}/trigger_tokens`,
    access: "api",
    summary: "List the trigger tokens of a mirror",
    params: mirrorParams,
    answer: wholeListOf(triggerTokenSchema),
    handle: async ({ useCases, principal, params }) => {
      const tokens = await useCases.listTriggerTokens(principal, params.id, params.mirror_id);
      return ok(tokens.map(presentTriggerToken));
    },
  }),
  apiRoute({
    method: "POST",
    path: `${MIRROR}/trigger_tokens`,
    access: "api",
    summary: "Create a trigger token",
    params: newTriggerTokenParams,
    answer: createdTriggerTokenSchema,
    handle: async ({ useCases, principal, params }) => {
      const { id, mirror_id, name } = params;
      const { token, secret } = await useCases.createTriggerToken(principal, id, mirror_id, name);
      return created({ ...presentTriggerToken(token), token: secret });
    },
  }),
  apiRoute({
    method: "DELETE",
    path: `${MIRROR}/trigger_tokens/:token_id`,
    access: "api",
    summary: "Remove a trigger token",
    params: triggerTokenParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeTriggerToken(principal, params.id, params.mirror_id, params.token_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: `${MIRROR}/trigger`,
    access: "trigger-token",
    takesWebhooks: true,
    summary: "Start an update of a mirror with its trigger token, or by a webhook",
    params: mirrorParams,
    answer: oneOf(withStatus(202, mirrorStartSchema), withStatus(200, mirrorHookHeardSchema)),
    handle: async ({ useCases, triggerToken, webhook, params }) => {
      const { id, mirror_id } = params;
      const heard =
        triggerToken === null && webhook !== null
          ? await useCases.receiveHook(id, mirror_id, webhook)
          : await useCases.triggerMirror(triggerToken ?? "", id, mirror_id, webhook);
      return hookAnswer(heard, (start) => accepted(presentStart(start)));
    },
  }),
];
