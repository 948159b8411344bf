import { type Chapter, manyRefs } from "./chapter.ts";

const MANY = 10_000;
/** All but main. */
const OTHERS = MANY - 1;
const many = `main=c ${manyRefs(OTHERS, (n) => `b${n}=${n % 2 === 0 ? "b" : "x"}`)}`;
const allCreated = Object.fromEntries(
  ["main", ...Array.from({ length: OTHERS }, (_, n) => `b${n}`)].map((ref) => [ref, "created" as const]),
);

const MISMATCH =
  /^The source is a SHA-(1|256) repository and the target a SHA-(1|256) one: Git cannot mirror between the two\.$/;

export const pushFormatsAndSizes: Chapter = {
  title: "A push mirror and repositories of other kinds",
  direction: "push",
  rules: [
    {
      it: "mirrors SHA-256 repositories",
      formatHere: "sha256",
      formatThere: "sha256",
      here: "main=c topic=y tags/v1=tag(b)",
      there: "main=a topic=b merged=b",
      outcomes: { main: "fast-forward", topic: "forced", merged: "deleted", "tags/v1": "created" },
      leaves: "main=c topic=y tags/v1=tag(b)",
    },
    {
      it: "says that a SHA-1 project cannot go to a SHA-256 remote",
      formatThere: "sha256",
      here: "main=c",
      there: "main=a",
      leaves: "main=a",
      status: "to_retry",
      error: MISMATCH,
    },
    {
      it: "says that a SHA-256 project cannot go to a SHA-1 remote",
      formatHere: "sha256",
      here: "main=c",
      there: "main=a",
      leaves: "main=a",
      status: "to_retry",
      error: MISMATCH,
    },
    {
      it: "says so too while the remote is empty",
      formatThere: "sha256",
      here: "main=c",
      leaves: "",
      status: "to_retry",
      error: /objects are sha256, this repository.s are sha1/,
    },
    {
      it: `carries ${MANY} refs to a host that takes a thousand at a time`,
      hooks: { "pre-receive": '[ "$(wc -l)" -le 1000 ] || { echo "too many refs" >&2; exit 1; }' },
      here: many,
      outcomes: allCreated,
      leaves: many,
    },
  ],
};

export const pullFormatsAndSizes: Chapter = {
  title: "A pull mirror and repositories of other kinds",
  direction: "pull",
  rules: [
    {
      it: "makes an empty project a SHA-256 one where upstream is",
      formatThere: "sha256",
      there: "main=c topic=y tags/v1=tag(b)",
      outcomes: { main: "created", topic: "created", "tags/v1": "created" },
      leaves: "main=c topic=y tags/v1=tag(b)",
    },
    {
      it: "mirrors SHA-256 repositories",
      formatHere: "sha256",
      formatThere: "sha256",
      here: "main=a topic=b",
      there: "main=c topic=d tags/v1=tag(x)",
      outcomes: { main: "fast-forward", topic: "fast-forward", "tags/v1": "created" },
      leaves: "main=c topic=d tags/v1=tag(x)",
    },
    {
      it: "says that a SHA-256 upstream cannot go into a SHA-1 project",
      formatThere: "sha256",
      here: "main=a",
      there: "main=c",
      leaves: "main=a",
      status: "failed",
      error: MISMATCH,
    },
    {
      it: "says that a SHA-1 upstream cannot go into a SHA-256 project",
      formatHere: "sha256",
      here: "main=a",
      there: "main=c",
      leaves: "main=a",
      status: "failed",
      error: MISMATCH,
    },
    {
      it: `carries ${MANY} refs into an empty project`,
      there: many,
      outcomes: allCreated,
      leaves: many,
    },
    {
      it: `carries ${MANY} refs into one that has some`,
      here: "main=a",
      there: many,
      outcomes: { ...allCreated, main: "fast-forward" },
      leaves: many,
    },
  ],
};
