import {
  newProtectedBranchParams,
  protectedBranchChangeParams,
  protectedBranchListParams,
  protectedBranchParams,
  protectedBranchSchema,
} from "@heliostat/contract/api/protected-branches.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, created, noContent, ok, pageFrom, pageOf } from "../../api-route.ts";
import { readEntryChanges, readGrantees } from "./access-entries.ts";
import { presentProtectedBranch } from "./present.ts";

export const protectedBranchRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects/:id/protected_branches",
    access: "read_api",
    summary: "List the protected branches of a project",
    params: protectedBranchListParams,
    answer: listOf(protectedBranchSchema),
    handle: async ({ useCases, principal, params }) => {
      const branches = await useCases.listProtectedBranches(principal, params.id);
      return pageOf(branches.map(presentProtectedBranch), pageFrom(params));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/protected_branches/:name",
    access: "read_api",
    summary: "Show a protected branch",
    params: protectedBranchParams,
    answer: protectedBranchSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentProtectedBranch(await useCases.findProtectedBranch(principal, params.id, params.name))),
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/protected_branches",
    access: "api",
    summary: "Protect a branch, or branches by a wildcard",
    params: newProtectedBranchParams,
    answer: protectedBranchSchema,
    handle: async ({ useCases, principal, params }) => {
      const draft = given({
        name: params.name,
        allowForcePush: params.allow_force_push,
        push: readGrantees(params.push_access_level, params.allowed_to_push),
        merge: readGrantees(params.merge_access_level, params.allowed_to_merge),
        unprotect: readGrantees(params.unprotect_access_level, params.allowed_to_unprotect),
      });
      return created(
        presentProtectedBranch(await useCases.createProtectedBranch(principal, params.id, draft)),
      );
    },
  }),
  apiRoute({
    method: "PATCH",
    path: "/projects/:id/protected_branches/:name",
    access: "api",
    summary: "Change the protection of a branch",
    params: protectedBranchChangeParams,
    answer: protectedBranchSchema,
    handle: async ({ useCases, principal, params }) => {
      const wish = given({
        allowForcePush: params.allow_force_push,
        push: readEntryChanges(params.allowed_to_push),
        merge: readEntryChanges(params.allowed_to_merge),
        unprotect: readEntryChanges(params.allowed_to_unprotect),
      });
      const { id, name } = params;
      return ok(presentProtectedBranch(await useCases.updateProtectedBranch(principal, id, name, wish)));
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/projects/:id/protected_branches/:name",
    access: "api",
    summary: "Unprotect a branch",
    params: protectedBranchParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeProtectedBranch(principal, params.id, params.name);
      return noContent();
    },
  }),
];
