import type { Chapter } from "./chapter.ts";

export const pullDefaultBranch: Chapter = {
  title: "A pull mirror and the default branch",
  direction: "pull",
  rules: [
    {
      it: "takes upstream's default branch into an empty project",
      there: "trunk=c main=b HEAD->trunk",
      outcomes: { trunk: "created", main: "created" },
      leaves: "trunk=c main=b HEAD->trunk",
    },
    {
      it: "keeps the project's own where upstream's HEAD is detached, and so none is advertised",
      there: "main=c topic=x HEAD=b",
      outcomes: { main: "created", topic: "created" },
      leaves: "main=c topic=x",
    },
    {
      it: "fills a project from an upstream whose default branch does not exist",
      there: "topic=x",
      outcomes: { topic: "created" },
      leaves: "topic=x",
    },
    {
      it: "does not follow a later change of it, as in GitLab",
      here: "main=c topic=x",
      there: "main=c topic=x HEAD->topic",
      leaves: "main=c topic=x",
    },
    {
      it: "follows it with follow_default_branch",
      options: { follow_default_branch: true },
      here: "main=c topic=a",
      there: "main=c topic=x HEAD->topic",
      outcomes: { topic: "fast-forward" },
      leaves: "main=c topic=x HEAD->topic",
      notes: ["The default branch is now topic, as upstream's is."],
    },
    {
      it: "follows it where nothing else changed",
      options: { follow_default_branch: true },
      here: "main=c topic=x",
      there: "main=c topic=x HEAD->topic",
      leaves: "main=c topic=x HEAD->topic",
      notes: ["The default branch is now topic, as upstream's is."],
    },
    {
      it: "follows it to a branch that comes with the same update",
      options: { follow_default_branch: true },
      here: "main=c",
      there: "main=c trunk=d HEAD->trunk",
      outcomes: { trunk: "created" },
      leaves: "main=c trunk=d HEAD->trunk",
      notes: ["The default branch is now trunk, as upstream's is."],
    },
    {
      it: "does not follow it to a branch that its filter keeps out",
      options: { follow_default_branch: true, mirror_branch_regex: "^main$" },
      here: "main=c",
      there: "main=d topic=x HEAD->topic",
      outcomes: { main: "fast-forward" },
      leaves: "main=d",
    },
    {
      it: "does not follow a HEAD that is detached",
      options: { follow_default_branch: true },
      here: "main=c topic=x HEAD->topic",
      there: "main=c topic=x HEAD=c",
      leaves: "main=c topic=x HEAD->topic",
    },
    {
      it: "judges divergence by the default branch of the project, not by upstream's",
      here: "main=x topic=x",
      there: "main=c topic=b HEAD->topic",
      outcomes: { main: "diverged", topic: "diverged" },
      leaves: "main=x topic=x",
      status: "failed",
      error:
        "The default branch (main) has diverged from its upstream counterpart and could not be updated automatically.",
    },
  ],
};
