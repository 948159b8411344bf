import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The part of a test's context that is needed to clean up after it. */
interface Scope {
  after(clean: () => Promise<void>): void;
}

/**
 * Settings of plain git in tests: nobody's configuration, nobody's name. The scaffolding never goes through the code
 * under test.
 */
export const GIT_ENV: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "A U Thor",
  GIT_AUTHOR_EMAIL: "author@example.com",
  GIT_COMMITTER_NAME: "C O Mitter",
  GIT_COMMITTER_EMAIL: "committer@example.com",
};

/** A directory of the test's own, removed after it. */
export async function makeTempDir(scope: Scope): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "heliostat-test-"));
  scope.after(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

/** Runs plain git and answers its standard output without the last line end; rejects with its errors. */
export function git(
  cwd: string,
  args: readonly string[],
  options: { input?: string | Buffer; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { cwd, env: { ...GIT_ENV, ...options.env } });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(stdout.replace(/\n$/, ""));
      else reject(new Error(`git ${args.join(" ")} ended with ${code}: ${stderr}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

/** Ends a process that was started `detached`, and all that it started: what serves a pack is git's grandchild. */
export function endGroup(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
}

/** Makes an empty bare repository at `path`, which need not exist, and answers the path. */
export async function makeRepository(
  path: string,
  options: { objectFormat?: "sha1" | "sha256"; head?: string } = {},
): Promise<string> {
  const format = options.objectFormat ?? "sha1";
  const branch = options.head ?? "main";
  await git("/", ["init", "-q", "--bare", `--object-format=${format}`, `--initial-branch=${branch}`, path]);
  return path;
}

export interface CommitDraft {
  /** A full ref name; `refs/heads/main` unless told. */
  readonly ref?: string;
  /** Oids of the parents; unless told, the present tip of `ref`, or none when there is no such ref. */
  readonly parents?: readonly string[];
  /** Path → content, on top of the first parent's tree; a file of the message's name unless told. */
  readonly files?: Readonly<Record<string, string>>;
  readonly message?: string;
}

let commitCount = 0;

/** Adds one commit and points `ref` at it, forcing if need be; answers its oid. */
export async function makeCommit(repository: string, draft: CommitDraft = {}): Promise<string> {
  const ref = draft.ref ?? "refs/heads/main";
  commitCount += 1;
  const message = draft.message ?? `commit ${commitCount}`;
  const tip = await findRef(repository, ref);
  const parents = draft.parents ?? (tip === null ? [] : [tip]);
  const lines = [
    `commit refs/made`,
    `committer C O Mitter <committer@example.com> ${1_700_000_000 + commitCount} +0000`,
  ];
  lines.push(data(message));
  parents.forEach((parent, index) => {
    lines.push(`${index === 0 ? "from" : "merge"} ${parent}`);
  });
  for (const [path, content] of Object.entries(draft.files ?? { [`file-${commitCount}`]: message })) {
    lines.push(`M 100644 inline ${path}`, data(content));
  }
  // A commit without `from` would go on from the last one made here.
  const reset = parents.length === 0 ? "reset refs/made\n\n" : "";
  await git(repository, ["fast-import", "--quiet", "--force"], { input: `${reset}${lines.join("\n")}\n` });
  const oid = await git(repository, ["rev-parse", "refs/made"]);
  await git(repository, ["update-ref", "--stdin"], { input: `update ${ref} ${oid}\ndelete refs/made\n` });
  return oid;
}

/** Adds commits one after the other on one ref; answers their oids, oldest first. */
export async function makeCommits(
  repository: string,
  count: number,
  ref = "refs/heads/main",
): Promise<string[]> {
  const oids: string[] = [];
  for (let i = 0; i < count; i += 1) oids.push(await makeCommit(repository, { ref }));
  return oids;
}

/** Makes an annotated tag and answers the oid of the tag object. */
export async function makeTag(repository: string, name: string, target: string): Promise<string> {
  await git(repository, ["tag", "-a", "-f", "-m", name, name, target]);
  return git(repository, ["rev-parse", `refs/tags/${name}`]);
}

/** Points a ref at an oid, or takes it away. */
export async function setRef(repository: string, ref: string, oid: string | null): Promise<void> {
  await git(repository, oid === null ? ["update-ref", "-d", ref] : ["update-ref", ref, oid]);
}

/** All refs of a repository, by full name, as git lists them. */
export async function refsOf(repository: string): Promise<Record<string, string>> {
  const out = await git(repository, ["for-each-ref", "--format=%(refname) %(objectname)"]);
  return Object.fromEntries(
    out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(" ")),
  );
}

/** The oid of one ref, null when there is none. */
export async function findRef(repository: string, ref: string): Promise<string | null> {
  return git(repository, ["rev-parse", "--verify", "-q", `${ref}^{object}`]).catch(() => null);
}

/** Fails when an object is missing or broken that a ref needs. */
export async function checkRepository(repository: string): Promise<void> {
  await git(repository, ["fsck", "--full", "--strict", "--no-dangling"]);
}

/**
 * Makes a bare repository with so many commits on `main` and so many refs in all: nine in ten branches, the rest
 * annotated tags, spread over the history. 20,000 commits with 5,000 refs take about a second.
 */
export async function makeLargeRepository(
  path: string,
  size: { readonly commits: number; readonly refs: number },
): Promise<string> {
  await makeRepository(path);
  const parts: string[] = [];
  for (let i = 1; i <= size.commits; i += 1) {
    parts.push(`commit refs/heads/main\nmark :${i}\n`);
    parts.push(
      `committer C O Mitter <committer@example.com> ${1_600_000_000 + i * 60} +0000\n${data(`change ${i}`)}\n`,
    );
    parts.push(`M 100644 inline dir-${i % 7}/file-${i % 11}\n${data(`content ${i}\n`.repeat(4))}\n`);
  }
  for (let i = 1; i < size.refs; i += 1) {
    const mark = 1 + Math.floor((i * (size.commits - 1)) / size.refs);
    if (i % 10 === 0) {
      parts.push(
        `tag v${i}\nfrom :${mark}\ntagger C O Mitter <committer@example.com> 1700000000 +0000\n${data(`v${i}`)}\n`,
      );
    } else {
      parts.push(`reset refs/heads/topic-${i}\nfrom :${mark}\n\n`);
    }
  }
  await git(path, ["-c", "fastimport.unpackLimit=1", "fast-import", "--quiet"], { input: parts.join("") });
  await git(path, ["pack-refs", "--all"]);
  return path;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}
