import type { BrowsingUseCases } from "../../../app/browsing/browsing-use-cases.ts";
import type { PathOrId } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { Principal } from "../../../domain/user.ts";
import type { Memory } from "./memory.ts";

/** Projects without a commit: browsing itself is tested with real repositories. */
export function browsingInMemory({ findView }: Memory): BrowsingUseCases {
  const find = (which: PathOrId) => findView(which).project;
  const missing = (what: string) => async (_principal: Principal, which: PathOrId) => {
    find(which);
    throw new HeliostatError("not-found", `${what} Not Found`);
  };
  const none = { items: [], total: 0, hasMore: false };
  return {
    listBranches: async (_principal, which) => ({ project: find(which), found: none }),
    findBranch: missing("Branch"),
    createBranch: missing("Branch"),
    removeBranch: missing("Branch"),
    listTags: async (_principal, which) => ({ project: find(which), found: none }),
    findTag: missing("Tag"),
    createTag: missing("Tag"),
    removeTag: missing("Tag"),
    searchRefs: async () => none,
    listCommits: async (_principal, which) => ({
      project: find(which),
      found: { items: [], hasMore: false },
    }),
    findCommit: missing("Commit"),
    listCommitRefs: missing("Commit"),
    diffCommit: missing("Commit"),
    findMergeBase: missing("Merge Base"),
    compareCommits: missing("Ref"),
    listTree: missing("Tree"),
    findFile: missing("File"),
    searchFiles: missing("Tree"),
    findBlob: missing("Blob"),
    readBlob: async () => Buffer.alloc(0),
    streamBlob: async () => Buffer.alloc(0),
    prepareArchive: missing("File"),
  };
}
