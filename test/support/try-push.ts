import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { GIT_ENV } from "./repositories.ts";

export interface PushResult {
  readonly isOk: boolean;
  /** Of each ref that was pushed, by its short name at the other end: the flag and the words beside it. */
  readonly refs: Readonly<Record<string, string>>;
  /** All that git and the server said on standard error. */
  readonly said: string;
}

/** Runs `git push --porcelain` with these arguments after the URL, and answers how it went. */
export async function tryPush(
  repository: string,
  url: string,
  refspecs: readonly string[],
  options: { readonly flags?: readonly string[]; readonly config?: readonly string[] } = {},
): Promise<PushResult> {
  const { flags = [], config = [] } = options;
  const args = [...config.flatMap((line) => ["-c", line]), "push", "--porcelain", ...flags, url, ...refspecs];
  const child = spawn("git", args, { cwd: repository, env: GIT_ENV, stdio: ["ignore", "pipe", "pipe"] });
  const [out, said, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  const refs: Record<string, string> = {};
  for (const line of out.split("\n")) {
    const [flag = "", names, words = ""] = line.split("\t");
    const target = names?.split(":")[1];
    if (target !== undefined) refs[target.replace(/^refs\/(heads|tags)\//, "")] = `${flag} ${words}`;
  }
  return { isOk: code === 0, refs, said };
}
