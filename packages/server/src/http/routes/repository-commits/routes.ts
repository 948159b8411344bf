import {
  type CommitRefAnswer,
  commitDiffParams,
  commitListParams,
  commitParams,
  commitRefSchema,
  commitRefsParams,
  commitSchema,
  compareParams,
  comparisonSchema,
  fileDiffSchema,
  mergeBaseParams,
  type SignatureAnswer,
  signatureSchema,
  singleCommitSchema,
} from "@heliostat/contract/api/repository-commits.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, ok, pageFrom, pageOf, tagged, uncounted } from "../../api-route.ts";
import { presentCommit, presentComparison, presentDiff, presentSingleCommit } from "./present.ts";

const AT = "/projects/:id/repository/commits";

export const repositoryCommitRoutes = [
  apiRoute({
    method: "GET",
    path: AT,
    access: "read_code",
    summary: "List commits",
    params: commitListParams,
    answer: listOf(commitSchema),
    handle: async ({ useCases, principal, untilGone, params, externalUrl }) => {
      const page = pageFrom(params);
      const filter = {
        ...given({ refName: params.ref_name || undefined, path: params.path, author: params.author }),
        ...given({ since: params.since ?? undefined, until: params.until ?? undefined }),
        all: params.all ?? false,
        firstParent: params.first_parent ?? false,
        order: params.order ?? "default",
        withStats: params.with_stats ?? false,
      };
      const { project, found } = await useCases.listCommits(principal, params.id, filter, page, untilGone());
      const items = found.items.map(({ commit, stats }) =>
        presentCommit(commit, project, externalUrl, stats),
      );
      return tagged(uncounted(items, { kind: "page", page, hasMore: found.hasMore }));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/:sha`,
    access: "read_code",
    summary: "Show a commit",
    params: commitParams,
    answer: singleCommitSchema,
    handle: async ({ useCases, principal, untilGone, params, externalUrl }) => {
      const options = { withStats: params.stats ?? true };
      const found = await useCases.findCommit(principal, params.id, params.sha, options, untilGone());
      return tagged(ok(presentSingleCommit(found, externalUrl)));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/:sha/diff`,
    access: "read_code",
    summary: "List the files that a commit changes",
    params: commitDiffParams,
    answer: listOf(fileDiffSchema),
    handle: async ({ useCases, principal, untilGone, params }) => {
      const diffs = await useCases.diffCommit(principal, params.id, params.sha, untilGone());
      return tagged(pageOf(diffs.map(presentDiff), pageFrom(params)));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/:sha/refs`,
    access: "read_code",
    summary: "List the branches and tags that have a commit",
    params: commitRefsParams,
    answer: listOf(commitRefSchema),
    handle: async ({ useCases, principal, untilGone, params }) => {
      const refs = await useCases.listCommitRefs(
        principal,
        params.id,
        params.sha,
        params.type ?? "all",
        untilGone(),
      );
      const items = refs.map(({ name, type }): CommitRefAnswer => ({ type, name }));
      return pageOf(items, pageFrom(params));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/:sha/signature`,
    access: "read_code",
    summary: "Show the signature of a commit",
    params: commitParams,
    answer: signatureSchema,
    handle: async ({ useCases, principal, untilGone, params }) => {
      const { found } = await useCases.findCommit(
        principal,
        params.id,
        params.sha,
        { withStats: false },
        untilGone(),
      );
      const { signature } = found.commit;
      if (signature === null) throw new HeliostatError("not-found", "Signature Not Found");
      const answer: SignatureAnswer = { signature_type: signature, verification_status: "unverified" };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/repository/merge_base",
    access: "read_code",
    summary: "Find the merge base of commits",
    params: mergeBaseParams,
    answer: commitSchema,
    handle: async ({ useCases, principal, untilGone, params, externalUrl }) => {
      const { project, found } = await useCases.findMergeBase(
        principal,
        params.id,
        params.refs ?? [],
        untilGone(),
      );
      return ok(presentCommit(found, project, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/projects/:id/repository/compare",
    access: "read_code",
    summary: "Compare two commits, branches or tags",
    params: compareParams,
    answer: comparisonSchema,
    handle: async ({ useCases, principal, untilGone, params: { id, from, to, straight }, externalUrl }) => {
      const between = { from, to, isStraight: straight ?? false };
      const found = await useCases.compareCommits(principal, id, between, untilGone());
      return tagged(ok(presentComparison(found, between, externalUrl)));
    },
  }),
];
