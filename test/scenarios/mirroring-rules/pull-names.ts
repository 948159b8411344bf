import { type Chapter, ODD_NAMES } from "./chapter.ts";

export const pullNames: Chapter = {
  title: "A pull mirror and names",
  direction: "pull",
  rules: [
    {
      it: "holds a name that one of the project stands in the way of, and goes on with the others",
      here: "main=a x=a",
      there: "main=c x/y=b new=b",
      outcomes: { main: "fast-forward", new: "created", "x/y": "held" },
      leaves: "main=c new=b x=a",
      status: "failed",
      error: "Some refs conflict with names here and have not been created:\n\nrefs/heads/x/y",
      says: { "x/y": /conflicts with refs\/heads\/x, which exists here/ },
    },
    {
      it: "holds a tag likewise",
      here: "main=a tags/v1/rc=a",
      there: "main=c tags/v1=b",
      outcomes: { main: "fast-forward", "tags/v1": "held" },
      leaves: "main=c tags/v1/rc=a",
      status: "failed",
      error: "Some refs conflict with names here and have not been created:\n\nrefs/tags/v1",
    },
    {
      it: "makes room with mirror_deletions=always",
      options: { mirror_deletions: "always" },
      here: "main=a x=a y/z=x",
      there: "main=c x/y=b y=a",
      outcomes: { main: "fast-forward", x: "deleted", "x/y": "created", y: "created", "y/z": "deleted" },
      leaves: "main=c x/y=b y=a",
    },
    {
      it: "keeps names apart that differ in case only",
      here: "Main=a",
      there: "main=c Main=b MAIN=a",
      outcomes: { main: "created", Main: "fast-forward", MAIN: "created" },
      leaves: "main=c Main=b MAIN=a",
    },
    {
      it: "carries names of all characters that Git allows into an empty project",
      there: `main=c ${ODD_NAMES.map((name) => `${name}=b`).join(" ")}`,
      outcomes: Object.fromEntries(["main", ...ODD_NAMES].map((name) => [name, "created"])),
      leaves: `main=c ${ODD_NAMES.map((name) => `${name}=b`).join(" ")}`,
    },
    {
      it: "forwards and deletes such names too",
      options: { mirror_deletions: "always" },
      here: `main=c ${ODD_NAMES.map((name) => `${name}=a`).join(" ")}`,
      there: `main=c ${ODD_NAMES.slice(1)
        .map((name) => `${name}=x`)
        .join(" ")}`,
      outcomes: Object.fromEntries(ODD_NAMES.map((name, n) => [name, n === 0 ? "deleted" : "fast-forward"])),
      leaves: `main=c ${ODD_NAMES.slice(1)
        .map((name) => `${name}=x`)
        .join(" ")}`,
    },
    {
      it: "passes over a name that is not UTF-8, and says so",
      there: "main=c caf\\xe9=b tags/\\xff=a",
      here: "main=a",
      outcomes: { main: "fast-forward" },
      leaves: "main=c",
      notes: ["2 branches or tags are not mirrored: the name is not UTF-8, or it leads to no object."],
    },
    {
      it: "says so too when it fills an empty project",
      there: "main=c caf\\xe9=b",
      outcomes: { main: "created" },
      leaves: "main=c",
      notes: ["1 branch or tag is not mirrored: the name is not UTF-8, or it leads to no object."],
    },
  ],
};
