import { type ChildProcess, spawn } from "node:child_process";
import { GIT_ENV, git } from "./repositories.ts";
import type { MadeKey } from "./ssh-keygen.ts";

export interface SshResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Debian's OpenSSH client, as one person uses it: with one key, and a file of known hosts. */
export interface SshClient {
  /** For `GIT_SSH_COMMAND`. */
  readonly command: string;
  /** Runs git with it; rejects with what git and the server said. */
  git(cwd: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** The same, and however it ends. */
  tryGit(cwd: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<SshResult>;
  /** Runs ssh itself, with nothing to read; options go before the host. */
  run(args: readonly string[]): Promise<SshResult>;
  /** Starts ssh, in a process group of its own. */
  start(args: readonly string[]): ChildProcess;
}

/** The client with this key; `knownHosts` is a file, and a host that is not in it is refused. */
export function sshClient(key: Pick<MadeKey, "path">, knownHosts: string): SshClient {
  const options = [
    ...["-F", "none", "-i", key.path, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
    ...["-o", `UserKnownHostsFile=${knownHosts}`, "-o", "StrictHostKeyChecking=yes"],
  ];
  const command = ["ssh", ...options].join(" ");
  const start = (program: string, args: readonly string[], cwd: string, env: object): ChildProcess =>
    spawn(program, args, { cwd, env: { ...GIT_ENV, ...env }, detached: true });
  return {
    command,
    git: (cwd, args, env = {}) => git(cwd, args, { env: { GIT_SSH_COMMAND: command, ...env } }),
    tryGit: (cwd, args, env = {}) => result(start("git", args, cwd, { GIT_SSH_COMMAND: command, ...env })),
    run: (args) => result(start("ssh", [...options, ...args], "/", {})),
    start: (args) => start("ssh", [...options, ...args], "/", {}),
  };
}

function result(child: ChildProcess): Promise<SshResult> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdin?.on("error", () => {}).end();
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
