import type { SignatureAnswer } from "@heliostat/contract/api/repository-commits.ts";
import {
  branchListParams,
  branchParams,
  type FoundRefAnswer,
  newBranchParams,
  newTagParams,
  refSearchParams,
  tagListParams,
  tagParams,
} from "@heliostat/contract/api/repository-refs.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { given } from "../../../domain/given.ts";
import { apiRoute, created, list, noContent, ok, pageFrom, tagged } from "../../api-route.ts";
import { presentBranch, presentTag } from "./present.ts";

const BRANCHES = "/projects/:id/repository/branches";
const TAGS = "/projects/:id/repository/tags";

export const repositoryRefRoutes = [
  apiRoute({
    method: "GET",
    path: BRANCHES,
    access: "read_code",
    params: branchListParams,
    handle: async ({ useCases, principal, untilGone, params, externalUrl }) => {
      const page = pageFrom(params);
      const filter = {
        sort: params.sort ?? "name_asc",
        ...given({ search: params.search, regex: params.regex }),
      };
      const { project, found } = await useCases.listBranches(principal, params.id, filter, page, untilGone());
      const items = found.items.map((branch) => presentBranch(branch, project, externalUrl));
      return tagged(list(items, page, found.total));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${BRANCHES}/:branch`,
    access: "read_code",
    params: branchParams,
    handle: async ({ useCases, principal, untilGone, params, externalUrl, isHead }) => {
      const { project, found } = await useCases.findBranch(principal, params.id, params.branch, untilGone());
      return isHead ? noContent() : tagged(ok(presentBranch(found, project, externalUrl)));
    },
  }),
  apiRoute({
    method: "POST",
    path: BRANCHES,
    access: "api",
    params: newBranchParams,
    handle: async ({ useCases, principal, untilGone, params: { id, branch, ref }, externalUrl }) => {
      const { project, found } = await useCases.createBranch(
        principal,
        id,
        { name: branch, ref },
        untilGone(),
      );
      return created(presentBranch(found, project, externalUrl));
    },
  }),
  apiRoute({
    method: "DELETE",
    path: `${BRANCHES}/:branch`,
    access: "api",
    params: branchParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeBranch(principal, params.id, params.branch);
      return noContent();
    },
  }),
  apiRoute({
    method: "GET",
    path: TAGS,
    access: "read_code",
    params: tagListParams,
    handle: async ({ useCases, principal, untilGone, params, externalUrl }) => {
      const page = pageFrom(params);
      const filter = {
        orderBy: params.order_by ?? "updated",
        sort: params.sort ?? "desc",
        ...given({ search: params.search }),
      };
      const { project, found } = await useCases.listTags(principal, params.id, filter, page, untilGone());
      const items = found.items.map((tag) => presentTag(tag, project, externalUrl));
      return tagged(list(items, page, found.total));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${TAGS}/:tag_name`,
    access: "read_code",
    params: tagParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const { project, found } = await useCases.findTag(principal, params.id, params.tag_name);
      return tagged(ok(presentTag(found, project, externalUrl)));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${TAGS}/:tag_name/signature`,
    access: "read_code",
    params: tagParams,
    handle: async ({ useCases, principal, params }) => {
      const { found } = await useCases.findTag(principal, params.id, params.tag_name);
      const signature = found.tag.annotation?.signature ?? null;
      if (signature === null) throw new HeliostatError("not-found", "Signature Not Found");
      const answer: SignatureAnswer = { signature_type: signature, verification_status: "unverified" };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "POST",
    path: TAGS,
    access: "api",
    params: newTagParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      if (params.message) {
        // It would not be what was asked for, and nobody would see it.
        throw new HeliostatError(
          "parameter-invalid",
          "message is not supported: make an annotated tag with git, and push it",
        );
      }
      const draft = { name: params.tag_name, ref: params.ref };
      const { project, found } = await useCases.createTag(principal, params.id, draft);
      return created(presentTag(found, project, externalUrl));
    },
  }),
  apiRoute({
    method: "DELETE",
    path: `${TAGS}/:tag_name`,
    access: "api",
    params: tagParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeTag(principal, params.id, params.tag_name);
      return noContent();
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/repository/refs",
    access: "read_code",
    params: refSearchParams,
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const found = await useCases.searchRefs(principal, params.id, params.search ?? "", page);
      const items = found.items.map(({ name, type }): FoundRefAnswer => ({ name, type }));
      return list(items, page, found.total);
    },
  }),
];
