import type { Readable } from "node:stream";
import { HeliostatError } from "../domain/errors.ts";
import { isRefName } from "../domain/ref-name.ts";
import { refuseHostileTree } from "./browse/archive.ts";
import type { Git } from "./run-git.ts";

const MAX_REQUEST_BYTES = 64 * 1024;
/** An option whose value would be the next argument could hide which one is the name, so it needs its `=`. */
const OPTIONS = /^(?:--(?:format|prefix|mtime)=.*|-[0-9]|-l|--list|-v|--verbose|--worktree-attributes|--)$/s;

/**
 * Reads what a client of `upload-archive` asks for, and answers the request for git: with the full name of the branch or
 * tag in it, for git itself would find hidden refs too. `ref-name-invalid` for any other name, `push-malformed` for options that
 * are not known, and the refusals of `refuseHostileTree`.
 */
export async function readArchiveRequest(
  git: Git,
  path: string,
  input: Readable,
  signal: AbortSignal,
): Promise<Buffer> {
  const request: string[] = [];
  let name: string | null = null;
  for (const argument of await readArguments(input, signal)) {
    const isOption = name === null && argument.startsWith("-");
    if (isOption && !OPTIONS.test(argument)) {
      throw new HeliostatError(
        "push-malformed",
        `This server does not take ${argument}. Write options as --name=value.`,
      );
    }
    if (isOption || name !== null) request.push(argument);
    else {
      name = argument;
      const [short = "", ...inside] = argument.split(":");
      const ref = await findRef(git, path, short, signal);
      await refuseHostileTree(git, path, ref, signal);
      request.push([ref, ...inside].join(":"));
    }
  }
  const lines = request.map((argument) => {
    const line = Buffer.from(`argument ${argument}\n`, "latin1");
    return Buffer.concat([Buffer.from((line.length + 4).toString(16).padStart(4, "0")), line]);
  });
  return Buffer.concat([...lines, Buffer.from("0000")]);
}

async function findRef(git: Git, path: string, name: string, signal: AbortSignal): Promise<string> {
  if (name === "HEAD") return name;
  const full = name.startsWith("refs/") ? [name] : [`refs/tags/${name}`, `refs/heads/${name}`];
  const wanted = full.filter((ref) => isRefName(ref) && /^refs\/(?:heads|tags)\//.test(ref));
  const args = ["for-each-ref", "--format=%(refname)", ...wanted];
  const { stdout } = wanted.length === 0 ? { stdout: "" } : await git.run({ gitDir: path, args, signal });
  const found = new Set(stdout.toString().split("\n"));
  const ref = wanted.find((each) => found.has(each));
  if (ref === undefined) throw new HeliostatError("ref-name-invalid", `no such ref: ${name}`);
  return ref;
}

/** The arguments up to the flush packet, byte by byte as text. */
async function readArguments(input: Readable, signal: AbortSignal): Promise<readonly string[]> {
  let text = "";
  let at = 0;
  const found: string[] = [];
  for await (const chunk of input.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    text += (chunk as Buffer).toString("latin1");
    while (text.length >= at + 4) {
      const length = Number.parseInt(text.slice(at, at + 4), 16);
      if (length === 0) return found;
      const [, argument] = /^argument (.*?)\n?$/s.exec(text.slice(at + 4, at + length)) ?? [];
      if (text.length < at + length) break;
      if (argument === undefined || !(length > 4) || text.length > MAX_REQUEST_BYTES)
        throw new HeliostatError("push-malformed", "This is not what git archive asks.");
      found.push(argument);
      at += length;
    }
    if (text.length > MAX_REQUEST_BYTES)
      throw new HeliostatError("push-malformed", "This is not what git archive asks.");
  }
  throw new HeliostatError("push-malformed", "This is not what git archive asks.");
}
