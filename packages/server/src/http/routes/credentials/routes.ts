import {
  credentialChangeParams,
  credentialListParams,
  credentialParams,
  credentialRotationParams,
  credentialSchema,
  credentialUseListParams,
  credentialUseSchema,
  newCredentialParams,
} from "@heliostat/contract/api/credentials.ts";
import type { z } from "zod";
import type { SecretDraft } from "../../../app/credentials/credential-use-cases.ts";
import { given } from "../../../domain/given.ts";
import { listOf, withStatus } from "../../api-answer.ts";
import { type ApiContext, apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentCredential, presentCredentialUse } from "./present.ts";

const LIST = "/credentials";
const ONE = "/credentials/:id";

type SecretParams = Pick<z.output<typeof newCredentialParams>, "password" | "private_key" | "key_type">;

function readSecret(params: SecretParams): SecretDraft {
  return given({ password: params.password, privateKey: params.private_key, keyType: params.key_type });
}

async function change({ useCases, principal, params }: ApiContext<z.output<typeof credentialChangeParams>>) {
  const changes = given({ name: params.name, username: params.username, expiresAt: params.expires_at });
  return ok(presentCredential(await useCases.updateCredential(principal, params.id, changes)));
}

/** Named credentials, which GitLab has no word for. */
export const credentialRoutes = [
  apiRoute({
    method: "GET",
    path: LIST,
    access: "read_api",
    summary: "List named credentials",
    params: credentialListParams,
    answer: listOf(credentialSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const filter = given({ search: params.search, namespaceId: params.namespace_id });
      const credentials = await useCases.listCredentials(principal, filter, page);
      return list(credentials.items.map(presentCredential), page, credentials.total);
    },
  }),
  apiRoute({
    method: "POST",
    path: LIST,
    access: "api",
    summary: "Create a named credential",
    params: newCredentialParams,
    answer: credentialSchema,
    handle: async ({ useCases, principal, params }) => {
      const facts = given({
        namespaceId: params.namespace_id,
        username: params.username,
        expiresAt: params.expires_at,
      });
      const draft = { name: params.name, kind: params.kind ?? "password", ...facts, ...readSecret(params) };
      return created(presentCredential(await useCases.createCredential(principal, draft)));
    },
  }),
  apiRoute({
    method: "GET",
    path: ONE,
    access: "read_api",
    summary: "Show a named credential",
    params: credentialParams,
    answer: credentialSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentCredential(await useCases.findCredential(principal, params.id))),
  }),
  apiRoute({
    method: "PUT",
    path: ONE,
    access: "api",
    summary: "Change a named credential",
    params: credentialChangeParams,
    answer: credentialSchema,
    handle: change,
  }),
  apiRoute({
    method: "PATCH",
    path: ONE,
    access: "api",
    summary: "Change some of a named credential",
    params: credentialChangeParams,
    answer: credentialSchema,
    handle: change,
  }),
  apiRoute({
    method: "DELETE",
    path: ONE,
    access: "api",
    summary: "Remove a named credential",
    params: credentialParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeCredential(principal, params.id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: `${ONE}/rotate`,
    access: "api",
    summary: "Give a named credential another secret",
    params: credentialRotationParams,
    answer: withStatus(200, credentialSchema),
    handle: async ({ useCases, principal, params }) => {
      const facts = given({ username: params.username, expiresAt: params.expires_at });
      const rotation = { ...facts, ...readSecret(params) };
      return ok(presentCredential(await useCases.rotateCredential(principal, params.id, rotation)));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${ONE}/mirrors`,
    access: "read_api",
    summary: "List the mirrors that use a named credential",
    params: credentialUseListParams,
    answer: listOf(credentialUseSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const uses = await useCases.listCredentialUses(principal, params.id, page);
      return list(uses.items.map(presentCredentialUse), page, uses.total);
    },
  }),
];
