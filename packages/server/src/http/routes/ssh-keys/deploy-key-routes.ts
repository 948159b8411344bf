import {
  deployKeyChangeParams,
  deployKeyListParams,
  deployKeyOfInstanceSchema,
  deployKeyParams,
  newDeployKeyParams,
  ownKeyListParams,
  projectDeployKeySchema,
} from "@heliostat/contract/api/ssh-keys.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentDeployKey, presentProjectDeployKey } from "./present.ts";
import { readDraft } from "./read-draft.ts";

/** The keys that open projects to machines, by project, and for admins all of them. */
export const deployKeyRoutes = [
  apiRoute({
    method: "GET",
    path: "/deploy_keys",
    access: "read_api",
    summary: "List the deploy keys of all projects",
    params: ownKeyListParams,
    answer: listOf(deployKeyOfInstanceSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const keys = await useCases.listAllDeployKeys(principal, page);
      return list(keys.items.map(presentDeployKey), page, keys.total);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/deploy_keys",
    access: "read_api",
    summary: "List the deploy keys of a project",
    params: deployKeyListParams,
    answer: listOf(projectDeployKeySchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const keys = await useCases.listDeployKeys(principal, params.id, page);
      return list(keys.items.map(presentProjectDeployKey), page, keys.total);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/deploy_keys/:key_id",
    access: "read_api",
    summary: "Show a deploy key of a project",
    params: deployKeyParams,
    answer: projectDeployKeySchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentProjectDeployKey(await useCases.findDeployKey(principal, params.id, params.key_id))),
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/deploy_keys",
    access: "api",
    summary: "Add a deploy key to a project",
    params: newDeployKeyParams,
    answer: projectDeployKeySchema,
    handle: async ({ useCases, principal, params }) => {
      const draft = { ...readDraft(params), canPush: params.can_push ?? false };
      return created(presentProjectDeployKey(await useCases.addDeployKey(principal, params.id, draft)));
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/projects/:id/deploy_keys/:key_id",
    access: "api",
    summary: "Change a deploy key of a project",
    params: deployKeyChangeParams,
    answer: projectDeployKeySchema,
    handle: async ({ useCases, principal, params }) => {
      const changes = given({ title: params.title, canPush: params.can_push });
      return ok(
        presentProjectDeployKey(await useCases.changeDeployKey(principal, params.id, params.key_id, changes)),
      );
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/projects/:id/deploy_keys/:key_id",
    access: "api",
    summary: "Remove a deploy key from a project",
    params: deployKeyParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeDeployKey(principal, params.id, params.key_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/deploy_keys/:key_id/enable",
    access: "api",
    summary: "Let a deploy key of another project into this one",
    params: deployKeyParams,
    answer: projectDeployKeySchema,
    handle: async ({ useCases, principal, params }) =>
      created(presentProjectDeployKey(await useCases.enableDeployKey(principal, params.id, params.key_id))),
  }),
];
