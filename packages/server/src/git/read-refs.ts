import { readFile } from "node:fs/promises";
import { type ObjectFormat, type Oid, objectFormatOf, parseOid } from "../domain/oid.ts";
import { parseRefName, type RefName } from "../domain/ref-name.ts";
import type { LocalRefs } from "../domain/refs.ts";
import { readLostRefs } from "./lost-refs.ts";
import { type BranchesAndTags, findUnlisted, readRefFiles } from "./read-ref-files.ts";
import { hasNoRefs, readObjectFormatFile } from "./ref-files.ts";
import type { Git } from "./run-git.ts";

/** The fields that are asked for, and the order in which they come back: one list, so that the two cannot drift. */
const FIELDS = ["refname", "objectname", "symref"] as const;
const FORMAT = FIELDS.map((field) => `%(${field})`).join("%00");
/** 50,000 refs with long names are 10 MB. */
const MAX_OUTPUT = 512 * 1024 * 1024;

/**
 * The branches and tags of a repository without the symbolic ones, its object format, and where HEAD points. Left out
 * too, and counted, is a ref whose name is not UTF-8: no answer could name it. Named apart are those that a crash has
 * left without content: that they cannot be read does not mean that anybody deleted them.
 */
export async function readRefs(git: Git, path: string): Promise<LocalRefs> {
  if (await hasNoRefs(path).catch(() => false)) return await readEmpty(path);
  const [read, head] = await Promise.all([
    readBranchesAndTags(git, path),
    readHeadFile(path).then((branch) => branch ?? readHead(git, path)),
  ]);
  const first = read.refs.values().next().value;
  const objectFormat = first === undefined ? await readObjectFormat(git, path) : objectFormatOf(first);
  const lost = await readLostRefs(path, (ref) =>
    read.symrefs.has(ref) ? "symbolic" : (read.refs.get(ref) ?? null),
  );
  const broken = new Set([...(read.broken ?? []), ...lost]);
  return { objectFormat, ...read, head, ...(broken.size === 0 ? {} : { broken }) };
}

/** A new repository: its format is all that there is to ask for. */
async function readEmpty(path: string): Promise<LocalRefs> {
  const [objectFormat, head, broken] = await Promise.all([
    readObjectFormatFile(path),
    readHeadFile(path),
    readLostRefs(path, () => null),
  ]);
  return {
    ...{ objectFormat, refs: new Map(), symrefs: new Set(), head },
    ...(broken.length === 0 ? {} : { broken: new Set(broken) }),
  };
}

/** The branches and tags alone. */
export async function readBranchesAndTags(git: Git, path: string): Promise<BranchesAndTags> {
  return (await readRefFiles(path)) ?? (await askGit(git, path));
}

async function askGit(git: Git, path: string): Promise<BranchesAndTags> {
  const { stdout } = await git.run({
    gitDir: path,
    args: ["for-each-ref", `--format=${FORMAT}`, "refs/heads/", "refs/tags/"],
    maxOutput: MAX_OUTPUT,
  });
  const refs = new Map<RefName, Oid>();
  const symrefs = new Set<RefName>();
  let unusable = 0;
  const text = stdout.toString();
  // A ref name holds neither NUL nor line end, so that a line is a record.
  for (let at = 0; at < text.length; ) {
    const afterName = text.indexOf("\0", at);
    const afterOid = text.indexOf("\0", afterName + 1);
    const end = text.indexOf("\n", afterOid + 1);
    const name = text.slice(at, afterName);
    const isSymbolic = end !== afterOid + 1;
    if (isLossy(name)) unusable += 1;
    else if (isSymbolic) symrefs.add(parseRefName(name));
    else refs.set(parseRefName(name), parseOid(text.slice(afterName + 1, afterOid)));
    at = end + 1;
  }
  // Of a broken ref git says so on standard error, and ends well.
  const unlisted = await findUnlisted(path, { refs, symrefs });
  for (const [ref, oid] of unlisted.refs) refs.set(ref, oid);
  for (const ref of unlisted.symrefs) symrefs.add(ref);
  const { broken, unusable: unnamed = 0 } = unlisted;
  unusable += unnamed;
  return {
    ...{ refs, symrefs },
    ...(unusable === 0 ? {} : { unusable }),
    ...(broken?.size ? { broken } : {}),
  };
}

/** The ref that HEAD points at, born or not; null when HEAD is detached. */
async function readHead(git: Git, path: string): Promise<RefName | null> {
  const { exitCode, stdout } = await git.run({
    gitDir: path,
    args: ["symbolic-ref", "--quiet", "HEAD"],
    expect: [1],
  });
  return exitCode === 0 ? parseRefName(stdout.toString().trim()) : null;
}

/** The hash that the repository at `path` names its objects by. */
export async function readObjectFormat(git: Git, path: string): Promise<ObjectFormat> {
  const { stdout } = await git.run({ gitDir: path, args: ["rev-parse", "--show-object-format"] });
  return stdout.toString().trim() === "sha256" ? "sha256" : "sha1";
}

/** Whether bytes were lost when a name was read as UTF-8: `parseRefName` refuses such a name. */
export function isLossy(name: string): boolean {
  return name.includes("\ufffd");
}

/**
 * The branch that HEAD points at, null while it is unborn or HEAD is detached. Reads the files and starts no process:
 * lists of projects ask this once a row. No repository at `path`: null too.
 */
export async function readDefaultBranch(path: string): Promise<RefName | null> {
  const ref = await readHeadFile(path);
  if (ref === null) return null;
  return (await isBorn(path, ref)) ? ref : null;
}

/** Whether this branch is there; starts no process. */
export async function isBorn(path: string, branch: RefName): Promise<boolean> {
  return (
    /^[0-9a-f]{40}/.test(await readText(`${path}/${branch}`)) ||
    (await readText(`${path}/packed-refs`)).includes(` ${branch}\n`)
  );
}

/** The branch that HEAD points at, born or not, of a repository that keeps its refs in files, as ours all do. */
export async function readHeadFile(path: string): Promise<RefName | null> {
  return parseHead(await readText(`${path}/HEAD`));
}

/** The branch that the text of a HEAD names; null: none. */
export function parseHead(text: string): RefName | null {
  const [, target] = /^ref: (refs\/heads\/.+)\n?$/.exec(text) ?? [];
  return target === undefined || isLossy(target) ? null : parseRefName(target);
}

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
