import { type Chapter, ODD_NAMES } from "./chapter.ts";

export const pushNames: Chapter = {
  title: "A push mirror and names",
  direction: "push",
  rules: [
    {
      it: "makes room for a new name where what is in its way is to be deleted",
      here: "main=c x/y=b",
      there: "main=c x=a",
      outcomes: { x: "deleted", "x/y": "created" },
      leaves: "main=c x/y=b",
    },
    {
      it: "makes room likewise where a directory of names becomes a name",
      here: "main=c x=b",
      there: "main=c x/y=a x/z/1=b",
      outcomes: { x: "created", "x/y": "deleted", "x/z/1": "deleted" },
      leaves: "main=c x=b",
    },
    {
      it: "holds a name that something stands in the way of which stays, and goes on with the others",
      here: "main=c x/y=b new=b",
      there: "main=a x=x",
      outcomes: { main: "fast-forward", new: "created", "x/y": "held" },
      leaves: "main=c new=b x=x",
      status: "failed",
      error: "Some refs conflict with names on the remote and have not been created there:\n\nrefs/heads/x/y",
      says: { "x/y": /conflicts with refs\/heads\/x, which exists on the remote/ },
    },
    {
      it: "clears what is in the way with mirror_deletions=always, whatever it holds",
      options: { mirror_deletions: "always" },
      here: "main=c x/y=b",
      there: "main=c x=x",
      outcomes: { x: "deleted", "x/y": "created" },
      leaves: "main=c x/y=b",
    },
    {
      it: "holds a name rather than delete anything with mirror_deletions=never",
      options: { mirror_deletions: "never" },
      here: "main=c x/y=b",
      there: "main=c x=a",
      outcomes: { "x/y": "held" },
      leaves: "main=c x=a",
      status: "failed",
      error: /^Some refs conflict with names on the remote/,
    },
    {
      it: "lets a branch and a tag have the same name, with and without a slash",
      here: "main=c x=b tags/x/y=a",
      outcomes: { main: "created", x: "created", "tags/x/y": "created" },
      leaves: "main=c x=b tags/x/y=a",
    },
    {
      it: "passes over symbolic refs here, and leaves those on the remote alone",
      here: "main=c alias->main both->main",
      there: "main=a both=b current->main",
      outcomes: { main: "fast-forward" },
      leaves: "main=c both=b current->main",
    },
    {
      it: "does not write through a symbolic ref of the remote",
      here: "main=c alias=b",
      there: "main=c alias->main",
      leaves: "main=c alias->main",
    },
    {
      it: "keeps names apart that differ in case only",
      here: "main=c Main=b MAIN=a",
      there: "Main=a",
      outcomes: { main: "created", Main: "fast-forward", MAIN: "created" },
      leaves: "main=c Main=b MAIN=a",
    },
    {
      it: "carries names of all characters that Git allows",
      here: `main=c ${ODD_NAMES.map((name) => `${name}=b`).join(" ")}`,
      outcomes: Object.fromEntries(["main", ...ODD_NAMES].map((name) => [name, "created"])),
      leaves: `main=c ${ODD_NAMES.map((name) => `${name}=b`).join(" ")}`,
    },
    {
      it: "deletes and forces such names too",
      here: `main=c ${ODD_NAMES.slice(1)
        .map((name) => `${name}=x`)
        .join(" ")}`,
      there: `main=c ${ODD_NAMES.map((name) => `${name}=b`).join(" ")}`,
      outcomes: Object.fromEntries(ODD_NAMES.map((name, n) => [name, n === 0 ? "deleted" : "forced"])),
      leaves: `main=c ${ODD_NAMES.slice(1)
        .map((name) => `${name}=x`)
        .join(" ")}`,
    },
    {
      it: "passes over a name that is not UTF-8, and says so",
      here: "main=c caf\\xe9=b tags/\\xff=a",
      there: "main=a",
      outcomes: { main: "fast-forward" },
      leaves: "main=c",
      notes: ["2 branches or tags are not mirrored: the name is not UTF-8, or it leads to no object."],
    },
  ],
};
