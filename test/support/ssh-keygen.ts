import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs OpenSSH's own ssh-keygen and answers its standard output; rejects when it fails. It has nothing to read. */
export async function sshKeygen(...args: readonly string[]): Promise<string> {
  return await readBySshKeygen("", ...args);
}

/** The same, with this text to read. */
export async function readBySshKeygen(input: string, ...args: readonly string[]): Promise<string> {
  const running = run("ssh-keygen", [...args], { timeout: 60_000 });
  // It may end before it has read what it does not want: its exit says what there is to say.
  running.child.stdin?.on("error", () => {}).end(input);
  return (await running).stdout;
}

export interface MadeKey {
  /** Of the private key. */
  readonly path: string;
  readonly algorithm: string;
  /** Base64 of the public key. */
  readonly key: string;
}

/** A key pair in two files below `dir`, made by OpenSSH's own ssh-keygen with options like `-t rsa`. */
export async function makeKey(dir: string, name: string, ...options: readonly string[]): Promise<MadeKey> {
  const path = join(dir, name);
  await sshKeygen("-q", "-N", "", "-C", "", "-f", path, ...options);
  const [algorithm = "", key = ""] = (await readFile(`${path}.pub`, "utf8")).trim().split(" ");
  return { path, algorithm, key };
}
