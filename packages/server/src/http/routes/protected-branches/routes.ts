import {
  newProtectedBranchParams,
  protectedBranchListParams,
  protectedBranchParams,
} from "@heliostat/contract/api/protected-branches.ts";
import { apiRoute, created, noContent, ok, pageFrom, pageOf } from "../../api-route.ts";
import { presentProtectedBranch } from "./present.ts";

export const protectedBranchRoutes = [
  apiRoute({
    method: "GET",
    path: "/projects/:id/protected_branches",
    access: "read_api",
    params: protectedBranchListParams,
    handle: async ({ useCases, principal, params }) => {
      const branches = await useCases.listProtectedBranches(principal, params.id);
      return pageOf(branches.map(presentProtectedBranch), pageFrom(params));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/protected_branches/:name",
    access: "read_api",
    params: protectedBranchParams,
    handle: async ({ useCases, principal, params }) =>
      ok(presentProtectedBranch(await useCases.findProtectedBranch(principal, params.id, params.name))),
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/protected_branches",
    access: "api",
    params: newProtectedBranchParams,
    handle: async ({ useCases, principal, params }) =>
      created(
        presentProtectedBranch(await useCases.createProtectedBranch(principal, params.id, params.name)),
      ),
  }),
  apiRoute({
    method: "DELETE",
    path: "/projects/:id/protected_branches/:name",
    access: "api",
    params: protectedBranchParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeProtectedBranch(principal, params.id, params.name);
      return noContent();
    },
  }),
];
