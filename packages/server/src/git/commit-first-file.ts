import type { FirstFile } from "../app/ports.ts";
import { type Oid, parseOid } from "../domain/oid.ts";
import type { Git } from "./run-git.ts";

/** Makes the first commit of an empty repository, with one file, on this branch; answers its id. */
export async function commitFirstFile(git: Git, path: string, first: FirstFile): Promise<Oid> {
  const { branch, author, at } = first;
  const seconds = Math.floor(at.getTime() / 1000);
  const signature = `${plain(author.name) || "Nobody"} <${plain(author.email)}> ${seconds} +0000`;
  const input = [
    `commit ${branch}`,
    `author ${signature}`,
    `committer ${signature}`,
    data(`${first.message}\n`),
    `M 100644 inline ${first.file}`,
    data(first.content),
    "",
  ].join("\n");
  // In one process, objects and ref; it declines to move a branch that is there.
  await git.run({ gitDir: path, args: ["fast-import", "--quiet"], input });
  const { stdout } = await git.run({ gitDir: path, args: ["rev-parse", "--verify", branch] });
  return parseOid(stdout.toString().trim());
}

/** What would end a signature before its time. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}<>]/gu, "").trim();
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}
