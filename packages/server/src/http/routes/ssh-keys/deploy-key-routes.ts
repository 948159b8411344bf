import {
  deployKeyChangeParams,
  deployKeyListParams,
  deployKeyParams,
  newDeployKeyParams,
  ownKeyListParams,
} from "@heliostat/contract/api/ssh-keys.ts";
import { given } from "../../../domain/given.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentDeployKey, presentProjectDeployKey } from "./present.ts";
import { readDraft } from "./read-draft.ts";

/** The keys that open projects to machines, by project, and for admins all of them. */
export const deployKeyRoutes = [
  apiRoute({
    method: "GET",
    path: "/deploy_keys",
    access: "read_api",
    params: ownKeyListParams,
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
    params: deployKeyListParams,
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
    params: deployKeyParams,
    handle: async ({ useCases, principal, params }) =>
      ok(presentProjectDeployKey(await useCases.findDeployKey(principal, params.id, params.key_id))),
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/deploy_keys",
    access: "api",
    params: newDeployKeyParams,
    handle: async ({ useCases, principal, params }) => {
      const draft = { ...readDraft(params), canPush: params.can_push ?? false };
      return created(presentProjectDeployKey(await useCases.addDeployKey(principal, params.id, draft)));
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/projects/:id/deploy_keys/:key_id",
    access: "api",
    params: deployKeyChangeParams,
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
    params: deployKeyParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeDeployKey(principal, params.id, params.key_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/deploy_keys/:key_id/enable",
    access: "api",
    params: deployKeyParams,
    handle: async ({ useCases, principal, params }) =>
      created(presentProjectDeployKey(await useCases.enableDeployKey(principal, params.id, params.key_id))),
  }),
];
