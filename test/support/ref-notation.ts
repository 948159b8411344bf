import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeObjects } from "./git-objects.ts";
import { git } from "./repositories.ts";

/*
 * The refs of a repository in one line: `main=c topic=x tags/v1=tag(b)`.
 *
 * - `main=c`: the branch `main` is at the commit `c`; `tags/v1=b`: a tag; `refs/notes/commits=a`: anything else, in
 *   full. The objects are those of `git-objects.ts`.
 * - `alias->main`: a symbolic ref. `HEAD->topic`: the default branch, which is `main` where nothing is said.
 * - `caf\xe9=a`: a name with a byte that is not UTF-8; read back, each such byte is a `\ufffd`.
 * - `HEAD=a`: HEAD is detached, so that no default branch is advertised.
 */
export type RefLine = string;

/** What the oids of all repositories are called; those of the two object formats differ in length. */
const namesByOid = new Map<string, string>();

interface RefToken {
  readonly ref: string;
  readonly arrow: "=" | "->";
  readonly value: string;
}

/** `main` for `refs/heads/main`, `tags/v1` for `refs/tags/v1`; in full what would read as another ref. */
export function shortRef(ref: string): string {
  const short = ref.replace(/^refs\/(heads\/|(?=tags\/))/, "");
  return fullRef(short) === ref ? short : ref;
}

/** The full name of what `shortRef` answers. */
export function fullRef(short: string): string {
  if (short === "HEAD" || short.startsWith("refs/")) return short;
  return short.startsWith("tags/") ? `refs/${short}` : `refs/heads/${short}`;
}

const BYTE = /\\x([0-9a-f]{2})/g;

/** The same refs in the one order in which lines may be compared. */
export function inOrder(line: RefLine): RefLine {
  return line.replaceAll(BYTE, "\ufffd").split(" ").filter(Boolean).toSorted().join(" ");
}

/** Makes the refs of a repository what the line says, and their objects first; what it does not name goes. */
export async function writeRefs(repository: string, line: RefLine): Promise<void> {
  const tokens = parse(line);
  const values = tokens.filter(({ arrow }) => arrow === "=");
  const { oids, scratchRefs } = await makeObjects(
    repository,
    values.map(({ value }) => value),
  );
  for (const [name, oid] of oids) namesByOid.set(oid, name);
  const named = new Set(tokens.map(({ ref }) => ref));
  const gone = (await listRefs(repository)).map(({ ref }) => ref).filter((ref) => !named.has(ref));
  // First what goes: a name may become a directory.
  await updateRefs(
    repository,
    [...new Set([...scratchRefs, ...gone])].map((ref) => `delete ${ref}`),
  );
  await updateRefs(
    repository,
    values.filter(({ ref }) => ref !== "HEAD").map(({ ref, value }) => `update ${ref} ${oids.get(value)}`),
  );
  for (const { ref, arrow, value } of tokens) {
    if (arrow === "->") await git(repository, ["symbolic-ref", ref, fullRef(value)]);
    else if (ref === "HEAD") await writeFile(join(repository, "HEAD"), `${oids.get(value)}\n`);
  }
}

/** The refs of a repository as a line, in order; an object that no line named is shown by its oid. */
export async function readRefs(repository: string): Promise<RefLine> {
  const tokens = (await listRefs(repository)).map(({ ref, oid, symref }) =>
    symref === "" ? `${shortRef(ref)}=${nameOf(oid)}` : `${shortRef(ref)}->${shortRef(symref)}`,
  );
  const head = (await readFile(join(repository, "HEAD"), "utf8")).trim();
  const [, target] = /^ref: (.*)$/.exec(head) ?? [];
  if (target === undefined) tokens.push(`HEAD=${nameOf(head)}`);
  else if (target !== "refs/heads/main") tokens.push(`HEAD->${shortRef(target)}`);
  return inOrder(tokens.join(" "));
}

function nameOf(oid: string): string {
  return namesByOid.get(oid) ?? oid;
}

function parse(line: RefLine): RefToken[] {
  return line
    .split(" ")
    .filter(Boolean)
    .map((token) => {
      const [, name, arrow, value] = /^(.+?)(=|->)([^=>]+)$/.exec(token) ?? [];
      if (name === undefined || value === undefined) throw new Error(`not a ref and its value: ${token}`);
      return { ref: fullRef(name), arrow: arrow === "->" ? "->" : "=", value };
    });
}

/** All refs but the server's bookkeeping, which is nobody's business. */
async function listRefs(repository: string): Promise<{ ref: string; oid: string; symref: string }[]> {
  const out = await git(repository, ["for-each-ref", "--format=%(refname) %(objectname) %(symref)"]);
  return out
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("refs/heliostat/"))
    .map((line) => {
      const [ref = "", oid = "", symref = ""] = line.split(" ");
      return { ref, oid, symref };
    });
}

/** One transaction; symbolic refs are changed themselves, not what they point at. */
async function updateRefs(repository: string, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  const input = Buffer.from(commands.map((command) => `option no-deref\n${command}\n`).join(""), "utf8")
    .toString("latin1")
    .replaceAll(BYTE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  await git(repository, ["update-ref", "--stdin"], { input: Buffer.from(input, "latin1") });
}
