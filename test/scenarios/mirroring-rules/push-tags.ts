import type { Chapter } from "./chapter.ts";

export const pushTags: Chapter = {
  title: "A push mirror and tags",
  direction: "push",
  rules: [
    {
      it: "carries annotated tags, tags of tags, and tags of files and directories as they are",
      here: "main=c tags/v1=tag(b) tags/signed=tag(tag(b)) tags/key=blob tags/dir=tree tags/note=tag(blob)",
      outcomes: {
        main: "created",
        "tags/dir": "created",
        "tags/key": "created",
        "tags/note": "created",
        "tags/signed": "created",
        "tags/v1": "created",
      },
      leaves: "main=c tags/v1=tag(b) tags/signed=tag(tag(b)) tags/key=blob tags/dir=tree tags/note=tag(blob)",
    },
    {
      it: "carries a tag of a commit that no branch leads to, with its history",
      here: "main=a tags/v1=tag(c)",
      outcomes: { main: "created", "tags/v1": "created" },
      leaves: "main=a tags/v1=tag(c)",
    },
    {
      it: "moves a tag that was moved here, forward or not",
      here: "main=d tags/forward=c tags/back=a tags/aside=x tags/annotated=tag(c) tags/retagged=tag(tag(b))",
      there: "main=d tags/forward=b tags/back=c tags/aside=b tags/annotated=tag(b) tags/retagged=tag(b)",
      outcomes: {
        "tags/annotated": "fast-forward",
        "tags/aside": "forced",
        "tags/back": "forced",
        "tags/forward": "fast-forward",
        "tags/retagged": "fast-forward",
      },
      leaves:
        "main=d tags/forward=c tags/back=a tags/aside=x tags/annotated=tag(c) tags/retagged=tag(tag(b))",
    },
    {
      it: "turns a tag of a commit into one of a file",
      here: "main=c tags/key=blob",
      there: "main=c tags/key=b",
      outcomes: { "tags/key": "forced" },
      leaves: "main=c tags/key=blob",
    },
    {
      it: "judges a moved tag like a branch where divergent refs are kept, and does not fail as a whole",
      options: { keep_divergent_refs: true },
      here: "main=d tags/forward=c tags/aside=x new=b",
      there: "main=d tags/forward=b tags/aside=b",
      outcomes: { new: "created", "tags/aside": "diverged", "tags/forward": "fast-forward" },
      leaves: "main=d new=b tags/forward=c tags/aside=b",
      status: "failed",
      error: "Some refs have diverged and have not been updated on the remote:\n\nrefs/tags/aside",
    },
    {
      it: "carries no tag with mirror_tags=none, and deletes none",
      options: { mirror_tags: "none", mirror_deletions: "always" },
      here: "main=c tags/v1=b",
      there: "main=a old=a tags/v0=a",
      outcomes: { main: "fast-forward", old: "deleted" },
      skipped: ["tags/v1"],
      leaves: "main=c tags/v0=a",
    },
    {
      it: "carries the tags that match anywhere where mirror_tags is a regex, and minds case",
      options: { mirror_tags: "v[0-9]" },
      here: "main=c tags/v1=a tags/release-v2=b tags/V3=c tags/nightly=c",
      outcomes: { main: "created", "tags/release-v2": "created", "tags/v1": "created" },
      skipped: ["tags/V3", "tags/nightly"],
      leaves: "main=c tags/v1=a tags/release-v2=b",
    },
  ],
};
