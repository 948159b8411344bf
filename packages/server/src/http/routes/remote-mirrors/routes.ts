import { AUTH_METHODS, type AuthMethod } from "@heliostat/contract";
import { publicKeySchema, type sshAttributes } from "@heliostat/contract/api/host-keys.ts";
import {
  newRemoteMirrorParams,
  remoteMirrorChangeParams,
  remoteMirrorListParams,
  remoteMirrorParams,
  remoteMirrorSchema,
} from "@heliostat/contract/api/remote-mirrors.ts";
import type { z } from "zod";
import type { MirrorSettings } from "../../../app/use-cases.ts";
import { invalidField } from "../../../domain/errors.ts";
import { given } from "../../../domain/given.ts";
import { listOf, withStatus } from "../../api-answer.ts";
import {
  type ApiContext,
  type ApiRoute,
  apiRoute,
  created,
  noContent,
  ok,
  pageFrom,
  pageOf,
} from "../../api-route.ts";
import { presentPublicKey } from "../host-keys/present.ts";
import { readSsh } from "../mirrors/read-ssh.ts";
import { readTags } from "../mirrors/read-tags.ts";
import { presentRemoteMirror } from "./present.ts";

const LIST = "/projects/:id/remote_mirrors";
const ONE = "/projects/:id/remote_mirrors/:mirror_id";

/** The two filters exclude each other by being there, whatever their values. */
const rules = {
  mutuallyExclusive: ["only_protected_branches", "mirror_branch_regex"],
  forbiddenStatus: 401,
} as const;

/** Blank reads as the default, as in GitLab's model. */
function readAuthMethod(value: string | undefined): AuthMethod | undefined {
  if (value === undefined) return undefined;
  if (value === "") return "password";
  const method = AUTH_METHODS.find((word) => word === value);
  if (method === undefined) throw invalidField("auth_method", "is not included in the list");
  return method;
}

type Attributes = Pick<
  z.output<typeof remoteMirrorChangeParams>,
  | "enabled"
  | "auth_method"
  | "keep_divergent_refs"
  | "only_protected_branches"
  | "mirror_branch_regex"
  | "mirror_tags"
  | "mirror_deletions"
  | "follow_default_branch"
  | keyof typeof sshAttributes
  | "credential_id"
>;

function readChanges(params: Attributes): MirrorSettings {
  if (params.only_protected_branches === null)
    throw invalidField("only_protected_branches", "can't be blank");
  return given({
    enabled: params.enabled,
    authMethod: readAuthMethod(params.auth_method),
    ...readSsh(params),
    keepDivergentRefs: params.keep_divergent_refs,
    onlyProtectedBranches: params.only_protected_branches,
    branchRegex: params.mirror_branch_regex,
    tags: readTags(params.mirror_tags),
    deletions: params.mirror_deletions,
    followDefaultBranch: params.follow_default_branch,
    credentialId: params.credential_id,
  });
}

async function change({
  useCases,
  principal,
  params,
}: ApiContext<z.output<typeof remoteMirrorChangeParams>>) {
  const mirror = await useCases.updatePushMirror(principal, params.id, params.mirror_id, readChanges(params));
  return ok(presentRemoteMirror(mirror));
}

export const remoteMirrorRoutes: readonly ApiRoute[] = [
  apiRoute({
    ...rules,
    method: "GET",
    path: LIST,
    access: "read_api",
    summary: "List the push mirrors of a project",
    params: remoteMirrorListParams,
    answer: listOf(remoteMirrorSchema),
    handle: async ({ useCases, principal, params }) => {
      const mirrors = await useCases.listPushMirrors(principal, params.id);
      return pageOf(mirrors.map(presentRemoteMirror), pageFrom(params));
    },
  }),
  apiRoute({
    ...rules,
    method: "POST",
    path: LIST,
    access: "api",
    summary: "Create a push mirror",
    params: newRemoteMirrorParams,
    answer: remoteMirrorSchema,
    handle: async ({ useCases, principal, params }) => {
      const draft = { url: params.url, ...readChanges(params) };
      return created(presentRemoteMirror(await useCases.createPushMirror(principal, params.id, draft)));
    },
  }),
  apiRoute({
    ...rules,
    method: "GET",
    path: ONE,
    access: "read_api",
    summary: "Show a push mirror",
    params: remoteMirrorParams,
    answer: remoteMirrorSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentRemoteMirror(await useCases.findPushMirror(principal, params.id, params.mirror_id))),
  }),
  apiRoute({
    ...rules,
    method: "PUT",
    path: ONE,
    access: "api",
    summary: "Change a push mirror",
    params: remoteMirrorChangeParams,
    answer: remoteMirrorSchema,
    handle: change,
  }),
  // Deviation: GitLab has no POST here, but one client library edits with it.
  apiRoute({
    ...rules,
    method: "POST",
    path: ONE,
    access: "api",
    summary: "Change a push mirror, as some clients do it",
    params: remoteMirrorChangeParams,
    answer: withStatus(200, remoteMirrorSchema),
    handle: change,
  }),
  apiRoute({
    ...rules,
    conflictStatus: 412,
    method: "DELETE",
    path: ONE,
    access: "api",
    summary: "Remove a push mirror",
    params: remoteMirrorParams,
    answer: null,
    handle: async ({ useCases, principal, params, unmodifiedSince }) => {
      await useCases.removePushMirror(principal, params.id, params.mirror_id, unmodifiedSince);
      return noContent();
    },
  }),
  apiRoute({
    ...rules,
    method: "POST",
    path: `${ONE}/sync`,
    access: "api",
    summary: "Start an update of a push mirror",
    params: remoteMirrorParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.syncPushMirror(principal, params.id, params.mirror_id);
      return noContent();
    },
  }),
  apiRoute({
    ...rules,
    method: "GET",
    path: `${ONE}/public_key`,
    access: "read_api",
    summary: "Show the public SSH key of a push mirror",
    params: remoteMirrorParams,
    answer: publicKeySchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentPublicKey(await useCases.findPushMirror(principal, params.id, params.mirror_id))),
  }),
];
