import type { RefName } from "./ref-name.ts";

/** Git names the ref after its `update` hook had its say; hosts name it first. */
const CLOSING = /^error: hook declined to update (refs\/\S+)$/;
const FULL_NAME = /\brefs\/(?:heads|tags)\/[^\s'"`,;:()]+/;

/**
 * What of the lines that a server sent for people is about this ref: the paragraphs that name it; else those that name
 * none; else all.
 */
export function wordsAbout(ref: RefName, lines: readonly string[]): readonly string[] {
  const paragraphs = splitByRef(lines);
  const own = paragraphs.filter(({ owner }) => owner === ref);
  const common = paragraphs.filter(({ owner }) => owner === null);
  const chosen = [own, common, paragraphs].find((some) => some.length > 0) ?? [];
  return chosen.flatMap((paragraph) => paragraph.lines);
}

interface Paragraph {
  owner: string | null;
  readonly lines: string[];
}

function splitByRef(lines: readonly string[]): readonly Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let open: Paragraph | null = null;
  for (const line of lines) {
    const closes = CLOSING.exec(line)?.[1];
    const names = closes ?? FULL_NAME.exec(line)?.[0].replace(/[.!?]+$/, "");
    if (open === null || (names !== undefined && closes === undefined && open.owner !== names)) {
      open = { owner: names ?? null, lines: [] };
      paragraphs.push(open);
    }
    open.lines.push(line);
    if (closes !== undefined) {
      open.owner = closes;
      open = null;
    }
  }
  return paragraphs;
}

/**
 * The refs, of these, that the lines name: by full name, or else, as some hosts do, by the short one. A hint, no more:
 * a word may happen to be a branch's name.
 */
export function namedRefs(refs: readonly RefName[], lines: readonly string[]): readonly RefName[] {
  const words = new Set(
    lines.flatMap((line) => line.split(/[\s'"`,;:()<>]+/)).map((word) => word.replace(/[.!?]+$/, "")),
  );
  const byFullName = refs.filter((ref) => words.has(ref));
  if (byFullName.length > 0) return byFullName;
  return refs.filter((ref) => words.has(ref.replace(/^refs\/(heads|tags)\//, "")));
}

/** How many refs the remote says it takes in one push; null when it says nothing of the kind. */
export function maxRefsIn(lines: readonly string[]): number | null {
  const [, count] = /can ?not update more than (\d{1,6}) /i.exec(lines.join("\n")) ?? [];
  return count === undefined ? null : Math.max(1, Number(count));
}
