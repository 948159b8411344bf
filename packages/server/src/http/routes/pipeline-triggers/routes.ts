import {
  newPipelineTriggerParams,
  pipelineDeliveryListParams,
  pipelineDeliverySchema,
  pipelineTriggerChangeParams,
  pipelineTriggerListParams,
  pipelineTriggerParams,
  pipelineTriggerSchema,
  pipelineTriggerTestParams,
} from "@heliostat/contract/api/pipeline-triggers.ts";
import type { z } from "zod";
import type { PipelineTriggerSettings } from "../../../app/pipelines/pipeline-use-cases.ts";
import { given } from "../../../domain/given.ts";
import { listOf, wholeListOf } from "../../api-answer.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentPipelineDelivery, presentPipelineTrigger } from "./present.ts";

const LIST = "/projects/:id/pipeline_triggers";
const ONE = `${LIST}/:trigger_id`;

function readSettings(params: Omit<z.output<typeof pipelineTriggerChangeParams>, "trigger_id">) {
  return given({
    name: params.name,
    url: params.url,
    enabled: params.enabled,
    verifiesCertificate: params.enable_ssl_verification,
    refFilter: params.ref_filter,
    workflow: params.workflow,
    user: params.user,
    variables: params.variables,
    token: params.token,
  }) satisfies PipelineTriggerSettings;
}

/** What GitLab has no word for: pipelines elsewhere that updates of the pull mirror start. */
export const pipelineTriggerRoutes = [
  apiRoute({
    method: "GET",
    path: LIST,
    access: "read_api",
    summary: "List the pipeline triggers of a project",
    params: pipelineTriggerListParams,
    answer: wholeListOf(pipelineTriggerSchema),
    handle: async ({ useCases, principal, params }) =>
      ok((await useCases.listPipelineTriggers(principal, params.id)).map(presentPipelineTrigger)),
  }),
  apiRoute({
    method: "POST",
    path: LIST,
    access: "api",
    summary: "Make a pipeline trigger",
    params: newPipelineTriggerParams,
    answer: pipelineTriggerSchema,
    handle: async ({ useCases, principal, params }) => {
      const settings = { ...readSettings(params), kind: params.kind };
      return created(
        presentPipelineTrigger(await useCases.createPipelineTrigger(principal, params.id, settings)),
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: ONE,
    access: "read_api",
    summary: "Read a pipeline trigger",
    params: pipelineTriggerParams,
    answer: pipelineTriggerSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentPipelineTrigger(await useCases.findPipelineTrigger(principal, params.id, params.trigger_id))),
  }),
  apiRoute({
    method: "PUT",
    path: ONE,
    access: "api",
    summary: "Change a pipeline trigger",
    params: pipelineTriggerChangeParams,
    answer: pipelineTriggerSchema,
    handle: async ({ useCases, principal, params }) => {
      const { id, trigger_id } = params;
      const settings = readSettings(params);
      return ok(
        presentPipelineTrigger(await useCases.updatePipelineTrigger(principal, id, trigger_id, settings)),
      );
    },
  }),
  apiRoute({
    method: "DELETE",
    path: ONE,
    access: "api",
    summary: "Remove a pipeline trigger",
    params: pipelineTriggerParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removePipelineTrigger(principal, params.id, params.trigger_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: `${ONE}/test`,
    access: "api",
    summary: "Start the pipeline of a trigger, to try it",
    params: pipelineTriggerTestParams,
    answer: pipelineDeliverySchema,
    handle: async ({ useCases, principal, params, untilGone }) => {
      const options = { ref: params.ref ?? null, signal: untilGone() };
      const { id, trigger_id } = params;
      return created(
        presentPipelineDelivery(await useCases.testPipelineTrigger(principal, id, trigger_id, options)),
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: `${ONE}/deliveries`,
    access: "read_api",
    summary: "List what was sent for a pipeline trigger, the newest first",
    params: pipelineDeliveryListParams,
    answer: listOf(pipelineDeliverySchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const { id, trigger_id } = params;
      const { items, total } = await useCases.listPipelineDeliveries(principal, id, trigger_id, page);
      return list(items.map(presentPipelineDelivery), page, total);
    },
  }),
];
