import {
  anyKeyParams,
  deployKeyChangeParams,
  deployKeyListParams,
  deployKeyParams,
  keyByFingerprintParams,
  newDeployKeyParams,
  newOwnKeyParams,
  newUserKeyParams,
  ownKeyListParams,
  ownKeyParams,
  userKeyListParams,
  userKeyParams,
} from "@heliostat/contract/api/ssh-keys.ts";
import { z } from "zod";
import { given } from "../../../domain/given.ts";
import { apiRoute, created, list, noContent, ok, pageFrom, pageOf } from "../../api-route.ts";
import {
  presentDeployKey,
  presentOwnedSshKey,
  presentOwnHostKey,
  presentProjectDeployKey,
  presentSshKey,
} from "./present.ts";

/** The SSH keys of users and projects, and those of the server itself. */
export const sshKeyRoutes = [
  apiRoute({
    method: "GET",
    path: "/user/keys",
    access: "read_api",
    params: ownKeyListParams,
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const keys = await useCases.listSshKeys(principal, null, page);
      return list(keys.items.map(presentSshKey), page, keys.total);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/user/keys/:key_id",
    access: "read_api",
    params: ownKeyParams,
    handle: async ({ useCases, principal, params }) =>
      ok(presentSshKey(await useCases.findSshKey(principal, null, params.key_id))),
  }),
  apiRoute({
    method: "POST",
    path: "/user/keys",
    access: "api",
    params: newOwnKeyParams,
    handle: async ({ useCases, principal, params }) =>
      created(presentSshKey(await useCases.addSshKey(principal, null, draftOf(params)))),
  }),
  apiRoute({
    method: "DELETE",
    path: "/user/keys/:key_id",
    access: "api",
    params: ownKeyParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeSshKey(principal, null, params.key_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "GET",
    path: "/users/:id/keys",
    access: "read_api",
    params: userKeyListParams,
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const keys = await useCases.listSshKeys(principal, params.id, page);
      return list(keys.items.map(presentSshKey), page, keys.total);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/users/:id/keys/:key_id",
    access: "read_api",
    params: userKeyParams,
    handle: async ({ useCases, principal, params }) =>
      ok(presentSshKey(await useCases.findSshKey(principal, params.id, params.key_id))),
  }),
  apiRoute({
    method: "POST",
    path: "/users/:id/keys",
    access: "api",
    params: newUserKeyParams,
    handle: async ({ useCases, principal, params }) =>
      created(presentSshKey(await useCases.addSshKey(principal, params.id, draftOf(params)))),
  }),
  apiRoute({
    method: "DELETE",
    path: "/users/:id/keys/:key_id",
    access: "api",
    params: userKeyParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeSshKey(principal, params.id, params.key_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "GET",
    path: "/keys",
    access: "read_api",
    params: keyByFingerprintParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const key = await useCases.findAnySshKey(principal, { fingerprint: params.fingerprint });
      return ok(presentOwnedSshKey(key, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/keys/:id",
    access: "read_api",
    params: anyKeyParams,
    handle: async ({ useCases, principal, params, externalUrl }) =>
      ok(presentOwnedSshKey(await useCases.findAnySshKey(principal, { id: params.id }), externalUrl)),
  }),
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
      const draft = { ...draftOf(params), canPush: params.can_push ?? false };
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
  apiRoute({
    method: "GET",
    path: "/ssh_host_keys",
    access: "anyone",
    params: z.object({}),
    handle: async ({ useCases }) => {
      const door = useCases.readSshDoor();
      return pageOf(
        (door?.keys ?? []).map((key) => presentOwnHostKey(key, door?.host ?? "")),
        { page: 1, perPage: 100 },
      );
    },
  }),
];

function draftOf(params: {
  readonly title: string;
  readonly key: string;
  readonly expires_at?: Date | null | undefined;
}) {
  return { title: params.title, key: params.key, expiresAt: params.expires_at ?? null };
}
