import type { Chapter } from "./chapter.ts";

export const pullFilters: Chapter = {
  title: "A pull mirror of some branches",
  direction: "pull",
  rules: [
    {
      it: "carries branches that the project protects, by name and by wildcard, and all tags",
      options: { only_protected_branches: true },
      protectedBranches: ["main", "release/*"],
      there: "main=c release/1.0=b release/2/beta=b released=a topic=x tags/v1=a",
      outcomes: {
        main: "created",
        "release/1.0": "created",
        "release/2/beta": "created",
        "tags/v1": "created",
      },
      skipped: ["released", "topic"],
      leaves: "main=c release/1.0=b release/2/beta=b tags/v1=a",
    },
    {
      it: "carries no branch where only protected ones are wanted and none is protected, and says so",
      options: { only_protected_branches: true },
      here: "main=a",
      there: "main=c topic=x tags/v1=a",
      outcomes: { "tags/v1": "created" },
      leaves: "main=a tags/v1=a",
      notes: ["No branch matches the filter, so no branch is mirrored."],
    },
    {
      it: "carries the branches that match the regex in any part, and all tags",
      options: { mirror_branch_regex: "ain|^rel" },
      here: "main=a topic=a",
      there: "main=c release/1=b prerelease=a topic=x tags/v1=a",
      outcomes: { main: "fast-forward", "release/1": "created", "tags/v1": "created" },
      skipped: ["prerelease", "topic"],
      leaves: "main=c release/1=b topic=a tags/v1=a",
    },
    {
      it: "minds case in the regex",
      options: { mirror_branch_regex: "^MAIN$" },
      here: "main=a",
      there: "main=c MAIN=b",
      outcomes: { MAIN: "created" },
      leaves: "main=a MAIN=b",
    },
    {
      it: "carries no branch where the regex matches none, and says so",
      options: { mirror_branch_regex: "^nothing$" },
      there: "main=c topic=x",
      leaves: "",
      notes: ["No branch matches the filter, so no branch is mirrored."],
    },
    {
      it: "does not fail because of a diverged default branch that the filter keeps out",
      options: { mirror_branch_regex: "^topic" },
      here: "main=x topic=a",
      there: "main=c topic=b",
      outcomes: { topic: "fast-forward" },
      leaves: "main=x topic=b",
    },
  ],
};
