import type { RefOutcome, RejectionReason } from "@heliostat/contract";
import type { Scene } from "../../support/mirror-stage.ts";
import type { RefLine } from "../../support/ref-notation.ts";

/**
 * One update, from what it finds to what it leaves. Refs are lines such as `main=c topic=x tags/v1=tag(b)`: the letters
 * are commits, drawn in `test/support/git-objects.ts`, the notation is that of `ref-notation.ts`.
 */
export interface Rule extends Omit<Scene, "direction"> {
  /** The rule, as a sentence about the mirror. */
  readonly it: string;
  /** Only on the remote: what somebody else makes of it after the update has listed its refs. */
  readonly meanwhile?: RefLine;
  /** The refs of the side that the mirror writes to, when the update is over. The other side never changes. */
  readonly leaves: RefLine;
  /** What the update did to each ref that it changed or held, by short name. None unless told. */
  readonly outcomes?: Readonly<Record<string, RefOutcome>>;
  /** Refs that were equal on both sides, and refs that the filters left out, by short name. */
  readonly upToDate?: readonly string[];
  readonly skipped?: readonly string[];
  /** What the person who reads the update is told about a ref. */
  readonly says?: Readonly<Record<string, RegExp>>;
  /** For refs that the remote rejected: why, and how to mend it. */
  readonly reasons?: Readonly<Record<string, RejectionReason>>;
  readonly fixes?: Readonly<Record<string, RegExp>>;
  /** Status of the mirror afterwards; `finished` unless told. */
  readonly status?: "failed" | "to_retry";
  /** Its `last_error`, which is also the update's error. None unless told. */
  readonly error?: string | RegExp;
  /** Sentences of the update that are no errors. None unless told. */
  readonly notes?: readonly (string | RegExp)[];
}

/** Rules that belong together, all of one direction. */
export interface Chapter {
  readonly title: string;
  readonly direction: Scene["direction"];
  readonly rules: readonly Rule[];
}

/** A line of so many refs, numbered from 0. */
export function manyRefs(count: number, ref: (n: number) => string): RefLine {
  return Array.from({ length: count }, (_, n) => ref(n)).join(" ");
}

/** Branches with names that Git allows, each a trap for who builds a command line, a URL or a pattern of it. */
export const ODD_NAMES: readonly string[] = [
  "käse",
  "Ünïcödé/日本語",
  "emoji-🚀",
  "100%",
  "%41%2F",
  "a#b",
  "a&b;c|d",
  "it's",
  '"quoted"',
  "$(touch-x)",
  "`x`",
  "-f",
  "--force",
  "a+b@c",
  "a=b",
  "refs/heads/main",
  "tags/v1",
  "HEAD",
  "x.lock.y",
  `long-${"n".repeat(200)}`,
  `deep/${"d/".repeat(40)}end`,
].map((name) => (/^(refs\/|tags\/|HEAD$)/.test(name) ? `refs/heads/${name}` : name));
