import {
  anyKeyParams,
  keyByFingerprintParams,
  newOwnKeyParams,
  newUserKeyParams,
  ownedSshKeySchema,
  ownKeyListParams,
  ownKeyParams,
  sshKeySchema,
  userKeyListParams,
  userKeyParams,
} from "@heliostat/contract/api/ssh-keys.ts";
import type { z } from "zod";
import type { PathOrId } from "../../../app/use-cases.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentOwnedSshKey, presentSshKey } from "./present.ts";
import { type KeyParams, readDraft } from "./read-draft.ts";

/** Whose keys: left out, those of the principal. */
interface Owner {
  readonly id?: PathOrId;
}

interface KeyAddress {
  readonly path: string;
  readonly all: z.ZodType<Owner & { readonly page: number; readonly per_page: number }>;
  readonly one: z.ZodType<Owner & { readonly key_id: number }>;
  readonly draft: z.ZodType<Owner & KeyParams>;
}

/** One's own keys, and those of a user. The parameters of one's own know no `id`: one that comes with them is dropped. */
const ADDRESSES: readonly KeyAddress[] = [
  { path: "/user/keys", all: ownKeyListParams, one: ownKeyParams, draft: newOwnKeyParams },
  { path: "/users/:id/keys", all: userKeyListParams, one: userKeyParams, draft: newUserKeyParams },
];

/** The SSH keys of users, and for admins every key by itself. */
export const userKeyRoutes = [
  ...ADDRESSES.flatMap(({ path, all, one, draft }) => [
    apiRoute({
      method: "GET",
      path,
      access: "read_api",
      summary: path === "/user/keys" ? "List one's SSH keys" : "List the SSH keys of a user",
      params: all,
      answer: listOf(sshKeySchema),
      handle: async ({ useCases, principal, params }) => {
        const page = pageFrom(params);
        const keys = await useCases.listSshKeys(principal, params.id ?? null, page);
        return list(keys.items.map(presentSshKey), page, keys.total);
      },
    }),
    apiRoute({
      method: "GET",
      path: `${path}/:key_id`,
      access: "read_api",
      summary: path === "/user/keys" ? "Show one of one's SSH keys" : "Show an SSH key of a user",
      params: one,
      answer: sshKeySchema,
      handle: async ({ useCases, principal, params }) =>
        ok(presentSshKey(await useCases.findSshKey(principal, params.id ?? null, params.key_id))),
    }),
    apiRoute({
      method: "POST",
      path,
      access: "api",
      summary: path === "/user/keys" ? "Add an SSH key for oneself" : "Add an SSH key for a user",
      params: draft,
      answer: sshKeySchema,
      handle: async ({ useCases, principal, params }) =>
        created(presentSshKey(await useCases.addSshKey(principal, params.id ?? null, readDraft(params)))),
    }),
    apiRoute({
      method: "DELETE",
      path: `${path}/:key_id`,
      access: "api",
      summary: path === "/user/keys" ? "Remove one of one's SSH keys" : "Remove an SSH key of a user",
      params: one,
      answer: null,
      handle: async ({ useCases, principal, params }) => {
        await useCases.removeSshKey(principal, params.id ?? null, params.key_id);
        return noContent();
      },
    }),
  ]),
  apiRoute({
    method: "GET",
    path: "/keys",
    access: "read_api",
    summary: "Find an SSH key by its fingerprint",
    params: keyByFingerprintParams,
    answer: ownedSshKeySchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const key = await useCases.findAnySshKey(principal, { fingerprint: params.fingerprint });
      return ok(presentOwnedSshKey(key, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/keys/:id",
    access: "read_api",
    summary: "Show any SSH key, with its user",
    params: anyKeyParams,
    answer: ownedSshKeySchema,
    handle: async ({ useCases, principal, params, externalUrl }) =>
      ok(presentOwnedSshKey(await useCases.findAnySshKey(principal, { id: params.id }), externalUrl)),
  }),
];
