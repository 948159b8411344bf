import { git } from "./repositories.ts";

/*
 * The objects that scenarios name. One letter means one commit, the same in every repository:
 *
 *     a───b───c───d     a history
 *      \
 *       x───y           another, which left it after `a`: neither of `b` and `x` is part of the other
 *
 *     z                 a third, which has nothing to do with the two
 *
 * `tag(b)` is an annotated tag of `b`, `tag(tag(b))` one of that tag; `blob` is a file's content, `tree` that of `a`.
 */
const PARENTS = new Map([
  ["a", null],
  ["b", "a"],
  ["c", "b"],
  ["d", "c"],
  ["x", "a"],
  ["y", "x"],
  ["z", null],
]);

const WHO = "C O Mitter <committer@example.com>";

/**
 * Makes what these names stand for, with all that it leads to and nothing else, so that other objects stay unknown to
 * this repository. Answers the oids by name, and the refs that it left behind, for the caller to take away.
 */
export async function makeObjects(
  repository: string,
  names: Iterable<string>,
): Promise<{ readonly oids: ReadonlyMap<string, string>; readonly scratchRefs: readonly string[] }> {
  const wanted = [...new Set(names)];
  const needed = new Set<string>();
  for (const name of wanted) addWithHistory(name, needed);
  if (needed.size === 0) return { oids: new Map(), scratchRefs: [] };
  const marks = new Map([...needed].map((name, index) => [name, `:${index + 1}`]));
  const commands = [...needed].map((name) => commandFor(name, marks));
  const questions = wanted.map((name) =>
    name === "tree" ? `ls ${marks.get("a")} ""\n` : `get-mark ${marks.get(name)}\n`,
  );
  // Kept as a pack: git would start another process to unpack it.
  const args = ["-c", "fastimport.unpackLimit=1", "fast-import", "--quiet"];
  const answers = (await git(repository, args, { input: [...commands, ...questions].join("") })).split("\n");
  return {
    oids: new Map(
      wanted.map((name, index) => [name, /[0-9a-f]{40,64}/.exec(answers[index] ?? "")?.[0] ?? ""]),
    ),
    scratchRefs: [...needed].flatMap(scratchRefOf),
  };
}

/** What stands between `tag(` and `)`; null for what is no tag. */
function taggedBy(name: string): string | null {
  return /^tag\((.*)\)$/.exec(name)?.[1] ?? null;
}

function addWithHistory(name: string, needed: Set<string>): void {
  const before = name === "tree" ? "a" : (taggedBy(name) ?? parentOf(name));
  if (before !== null) addWithHistory(before, needed);
  needed.add(name);
}

function parentOf(name: string): string | null {
  if (name === "blob") return null;
  const parent = PARENTS.get(name);
  if (parent === undefined) throw new Error(`no scenario knows an object "${name}"`);
  return parent;
}

function commandFor(name: string, marks: ReadonlyMap<string, string>): string {
  if (name === "tree") return "";
  const mark = `mark ${marks.get(name)}\n`;
  if (name === "blob") return `blob\n${mark}${data("content")}`;
  const tagged = taggedBy(name);
  if (tagged !== null) {
    return `tag ${tagName(name)}\n${mark}from ${marks.get(tagged)}\ntagger ${WHO} 1700000000 +0000\n${data(name)}`;
  }
  const parent = parentOf(name);
  const from = parent === null ? "" : `from ${marks.get(parent)}\n`;
  const when = 1_700_000_000 + name.charCodeAt(0);
  const file = `M 100644 inline ${name}\n${data(name)}`;
  return `commit refs/scratch/${name}\n${mark}committer ${WHO} ${when} +0000\n${data(name)}${from}${file}`;
}

function scratchRefOf(name: string): string[] {
  if (taggedBy(name) !== null) return [`refs/tags/${tagName(name)}`];
  return PARENTS.has(name) ? [`refs/scratch/${name}`] : [];
}

/** The name that a tag object bears inside: the same in every repository, or it would be another object. */
function tagName(name: string): string {
  return `scratch/${name.replaceAll("(", "-").replaceAll(")", "")}`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
