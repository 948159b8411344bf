import { type SignatureAnswer, signatureSchema } from "@heliostat/contract/api/repository-commits.ts";
import {
  branchListParams,
  branchParams,
  branchSchema,
  type FoundRefAnswer,
  foundRefSchema,
  newBranchParams,
  newTagParams,
  refSearchParams,
  tagListParams,
  tagParams,
  tagSchema,
} from "@heliostat/contract/api/repository-refs.ts";
import type { RefPart, RefPosition } from "../../../app/browsing/browsing-use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import {
  apiRoute,
  created,
  forHead,
  list,
  noContent,
  ok,
  pageFrom,
  tagged,
  uncounted,
} from "../../api-route.ts";
import { presentBranch, presentTag } from "./present.ts";

const BRANCHES = "/projects/:id/repository/branches";
const TAGS = "/projects/:id/repository/tags";

export const repositoryRefRoutes = [
  apiRoute({
    method: "GET",
    path: BRANCHES,
    access: "read_code",
    summary: "List branches",
    params: branchListParams,
    answer: listOf(branchSchema),
    handle: async ({ useCases, principal, untilGone, params, externalUrl }) => {
      const filter = {
        sort: params.sort ?? "name_asc",
        ...given({ search: params.search, regex: params.regex }),
      };
      const position = positionFrom(params);
      const signal = untilGone();
      const { project, found } = await useCases.listBranches(principal, params.id, filter, position, signal);
      const items = found.items.map((branch) => presentBranch(branch, project, externalUrl));
      return presentPart(position, { ...found, items });
    },
  }),
  apiRoute({
    method: "GET",
    path: `${BRANCHES}/:branch`,
    access: "read_code",
    summary: "Show a branch",
    params: branchParams,
    answer: branchSchema,
    handle: async ({ useCases, principal, untilGone, params, externalUrl, isHead }) => {
      const { project, found } = await useCases.findBranch(principal, params.id, params.branch, untilGone());
      return isHead ? forHead(noContent()) : tagged(ok(presentBranch(found, project, externalUrl)));
    },
  }),
  apiRoute({
    method: "POST",
    path: BRANCHES,
    access: "api",
    summary: "Create a branch",
    params: newBranchParams,
    answer: branchSchema,
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
    summary: "Remove a branch",
    params: branchParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeBranch(principal, params.id, params.branch);
      return noContent();
    },
  }),
  apiRoute({
    method: "GET",
    path: TAGS,
    access: "read_code",
    summary: "List tags",
    params: tagListParams,
    answer: listOf(tagSchema),
    handle: async ({ useCases, principal, untilGone, params, externalUrl }) => {
      const filter = {
        orderBy: params.order_by ?? "updated",
        sort: params.sort ?? "desc",
        ...given({ search: params.search }),
      };
      const position = positionFrom(params);
      const signal = untilGone();
      const { project, found } = await useCases.listTags(principal, params.id, filter, position, signal);
      const items = found.items.map((tag) => presentTag(tag, project, externalUrl));
      return presentPart(position, { ...found, items });
    },
  }),
  apiRoute({
    method: "GET",
    path: `${TAGS}/:tag_name`,
    access: "read_code",
    summary: "Show a tag",
    params: tagParams,
    answer: tagSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const { project, found } = await useCases.findTag(principal, params.id, params.tag_name);
      return tagged(ok(presentTag(found, project, externalUrl)));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${TAGS}/:tag_name/signature`,
    access: "read_code",
    summary: "Show the signature of a tag",
    params: tagParams,
    answer: signatureSchema,
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
    summary: "Create a tag",
    params: newTagParams,
    answer: tagSchema,
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
    summary: "Remove a tag",
    params: tagParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeTag(principal, params.id, params.tag_name);
      return noContent();
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/repository/refs",
    access: "read_code",
    summary: "Find branches and tags by a part of their name",
    params: refSearchParams,
    answer: listOf(foundRefSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const found = await useCases.searchRefs(principal, params.id, params.search ?? "", page);
      const items = found.items.map(({ name, type }): FoundRefAnswer => ({ name, type }));
      return list(items, page, found.total);
    },
  }),
];

function positionFrom(params: {
  readonly pagination?: "keyset" | "legacy" | "none" | undefined;
  readonly page_token?: string | undefined;
  readonly page?: number | undefined;
  readonly per_page?: number | undefined;
}): RefPosition {
  const page = pageFrom(params);
  if (params.pagination !== "keyset") return { kind: "page", page };
  return { kind: "after", name: params.page_token || null, count: page.perPage };
}

/** Without a total where the list is gone through by names, as GitLab does. */
function presentPart<T extends { readonly name: string }>(
  position: RefPosition,
  { items, total, hasMore }: RefPart<T>,
) {
  if (position.kind === "page") return tagged(list(items, position.page, total));
  const token = hasMore ? (items.at(-1)?.name ?? null) : null;
  return tagged(uncounted(items, { kind: "token", parameter: "page_token", perPage: position.count, token }));
}
