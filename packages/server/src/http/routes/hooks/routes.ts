import { HOOK_EVENTS } from "@heliostat/contract";
import {
  hookChangeParams,
  hookEventListParams,
  hookEventParams,
  hookEventSchema,
  hookListParams,
  hookPairParams,
  hookPairValueParams,
  hookParams,
  hookResendSchema,
  hookSchema,
  hookTestParams,
  newHookParams,
} from "@heliostat/contract/api/hooks.ts";
import { messageSchema } from "@heliostat/contract/api/instance.ts";
import type { z } from "zod";
import type { HookChanges } from "../../../app/hooks/hook-use-cases.ts";
import type { DeliveryFilter } from "../../../app/ports.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentHook, presentHookEvent } from "./present.ts";

const HOOKS = "/projects/:id/hooks";
const HOOK = `${HOOKS}/:hook_id`;

/** The two lists of names with values that a hook has, by their names in paths. */
const PAIRS = [
  { path: "custom_headers", kind: "header", what: "custom header" },
  { path: "url_variables", kind: "url_variable", what: "URL variable" },
] as const;

export const hookRoutes = [
  apiRoute({
    method: "GET",
    path: HOOKS,
    access: "read_api",
    summary: "List the webhooks of a project",
    params: hookListParams,
    answer: listOf(hookSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const { items, total } = await useCases.listHooks(principal, params.id, page);
      return list(items.map(presentHook), page, total);
    },
  }),
  apiRoute({
    method: "POST",
    path: HOOKS,
    access: "api",
    summary: "Make a webhook",
    params: newHookParams,
    answer: hookSchema,
    handle: async ({ useCases, principal, params }) => {
      const draft = { ...readChanges(params), url: params.url };
      return created(presentHook(await useCases.createHook(principal, params.id, draft)));
    },
  }),
  apiRoute({
    method: "GET",
    path: HOOK,
    access: "read_api",
    summary: "Show a webhook",
    params: hookParams,
    answer: hookSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentHook(await useCases.findHook(principal, params.id, params.hook_id))),
  }),
  apiRoute({
    method: "PUT",
    path: HOOK,
    access: "api",
    summary: "Change a webhook",
    params: hookChangeParams,
    answer: hookSchema,
    handle: async ({ useCases, principal, params }) => {
      const { id, hook_id } = params;
      return ok(presentHook(await useCases.updateHook(principal, id, hook_id, readChanges(params))));
    },
  }),
  apiRoute({
    method: "DELETE",
    path: HOOK,
    access: "api",
    summary: "Remove a webhook",
    params: hookParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeHook(principal, params.id, params.hook_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: `${HOOK}/test/:trigger`,
    access: "api",
    summary: "Send a test to a webhook",
    params: hookTestParams,
    answer: messageSchema,
    handle: async ({ useCases, principal, params }) => {
      await useCases.testHook(principal, params.id, params.hook_id, params.trigger);
      return created({ message: "201 Created" });
    },
  }),
  apiRoute({
    method: "GET",
    path: `${HOOK}/events`,
    access: "read_api",
    summary: "List what was sent to a webhook in the last seven days",
    params: hookEventListParams,
    answer: listOf(hookEventSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const filter = readStatuses(params.status);
      const { id, hook_id } = params;
      const { items, total } = await useCases.listHookDeliveries(principal, id, hook_id, filter, page);
      return list(items.map(presentHookEvent), page, total);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${HOOK}/events/:hook_event_id`,
    access: "read_api",
    summary: "Show what was sent to a webhook, and what came back",
    params: hookEventParams,
    answer: hookEventSchema,
    handle: async ({ useCases, principal, params }) => {
      const { id, hook_id, hook_event_id } = params;
      return ok(presentHookEvent(await useCases.findHookDelivery(principal, id, hook_id, hook_event_id)));
    },
  }),
  apiRoute({
    method: "POST",
    path: `${HOOK}/events/:hook_event_id/resend`,
    access: "api",
    summary: "Send something to a webhook once more",
    params: hookEventParams,
    answer: hookResendSchema,
    handle: async ({ useCases, principal, params }) => {
      const { id, hook_id, hook_event_id } = params;
      const { status, error } = await useCases.resendHookDelivery(principal, id, hook_id, hook_event_id);
      return created({ response_status: status ?? "internal error", error });
    },
  }),
  ...PAIRS.flatMap(({ path, kind, what }) => [
    apiRoute({
      method: "PUT",
      path: `${HOOK}/${path}/:key`,
      access: "api",
      summary: `Set a ${what} of a webhook`,
      params: hookPairValueParams,
      answer: null,
      handle: async ({ useCases, principal, params }) => {
        const { id, hook_id, key, value } = params;
        await useCases.changeHookPair(principal, id, hook_id, { kind, key, value });
        return noContent();
      },
    }),
    apiRoute({
      method: "DELETE",
      path: `${HOOK}/${path}/:key`,
      access: "api",
      summary: `Remove a ${what} of a webhook`,
      params: hookPairParams,
      answer: null,
      handle: async ({ useCases, principal, params }) => {
        const { id, hook_id, key } = params;
        await useCases.changeHookPair(principal, id, hook_id, { kind, key, value: null });
        return noContent();
      },
    }),
  ]),
];

function readChanges(
  params: z.output<typeof hookChangeParams> | z.output<typeof newHookParams>,
): HookChanges {
  const switches = HOOK_EVENTS.flatMap((event) =>
    params[event] === undefined ? [] : [[event, params[event]] as const],
  );
  return given({
    // Empty means nothing: a client sends every parameter that it has.
    url: params.url || undefined,
    name: params.name,
    description: params.description,
    verifiesCertificate: params.enable_ssl_verification,
    events: Object.fromEntries(switches),
    branchFilter: params.push_events_branch_filter,
    branchFilterStrategy: params.branch_filter_strategy,
    template: params.custom_webhook_template,
    token: params.token,
    signingToken: params.signing_token,
    headers: params.custom_headers?.map(given),
    urlVariables: params.url_variables?.map(given),
  });
}

const GROUPS = {
  successful: [200, 299],
  client_failure: [400, 499],
  server_failure: [500, 599],
} as const;

/** GitLab counts what had no answer among the failures of the server. */
function readStatuses(statuses: z.output<typeof hookEventListParams>["status"]): DeliveryFilter {
  if (statuses === undefined) return {};
  return {
    statuses: statuses.flatMap((status): (number | "failed")[] => {
      if (typeof status === "number") return [status];
      const [from, to] = GROUPS[status];
      const numbers = Array.from({ length: to - from + 1 }, (_, at) => from + at);
      return status === "server_failure" ? [...numbers, "failed"] : numbers;
    }),
  };
}
