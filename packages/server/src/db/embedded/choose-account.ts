import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { HeliostatError } from "../../domain/errors.ts";
import { runCommand } from "../../exec/daemon.ts";

/** As whom PostgreSQL runs, which refuses to run as root. */
export interface Account {
  readonly description: string;
  /** What stands before the command: it becomes another user and then the command, keeping the pid. */
  readonly prefix: readonly string[];
  /** Who must own the cluster's files, in our eyes; null: whoever makes them. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/**
 * The first account, in order of reliability, under which PostgreSQL really starts and really reaches the data
 * directory: each is tried with one short process. `config-invalid` when there is none. The order and its reasons
 * are in docs/decisions/0002-embedded-postgresql.md.
 */
export async function chooseAccount(options: {
  readonly postgres: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}): Promise<Account> {
  const failures: string[] = [];
  for (const account of await listAccounts()) {
    // Asking PostgreSQL for a setting checks what is needed in one go: becoming that user, the way to the data
    // directory, the binary in its own eyes, its libraries and its shared files. `--version` is easier to please.
    const ask = 'cd -- "$1" && exec "$2" -C port -c config_file=/dev/null -D "$1"';
    const [command = "", ...args] = [
      ...account.prefix,
      ...["/bin/sh", "-c", ask, "sh", options.dataDir, options.postgres],
    ];
    const result = await runCommand({ command, args, env: options.env, signal: options.signal }).catch(
      (error: NodeJS.ErrnoException) => ({ code: -1, output: error.message }),
    );
    if (result.code === 0) return account;
    failures.push(`${account.description}: ${result.output.trim()}`);
  }
  options.signal?.throwIfAborted();
  const advice = isRoot()
    ? "PostgreSQL does not run as root; start Heliostat as another user"
    : "check that this user can read it";
  throw new HeliostatError(
    "config-invalid",
    `the built-in PostgreSQL cannot be run here: ${advice}, or set HELIOSTAT_DATABASE_URL to a PostgreSQL server of yours. Tried: ${failures.join("; ")}`,
  );
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function listAccounts(): Promise<readonly Account[]> {
  const user = await findSystemUser();
  // One id is mapped: the process has another number in its own eyes and is still us to everyone else.
  const inNamespace: Account = {
    description: `user namespace as ${user.name}`,
    prefix: ["unshare", "--user", `--map-user=${user.uid}`, `--map-group=${user.gid}`, "--"],
    owner: isRoot() ? { uid: 0, gid: process.getgid?.() ?? 0 } : null,
  };
  if (!isRoot()) {
    // initdb wants a name for its user id, which an arbitrary id in a container does not have.
    return hasName() ? [{ description: "this user", prefix: [], owner: null }] : [inNamespace];
  }
  const become = ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  const withCapability = (name: string): Account => ({
    description: `system user ${user.name} with ${name}`,
    // Without no_setuid_fixup access(2) looks away from capabilities, and PostgreSQL asks it whether its own
    // binary can be executed.
    prefix: [
      ...become,
      ...[`--inh-caps=+${name}`, `--ambient-caps=+${name}`, "--securebits=+no_setuid_fixup", "--"],
    ],
    owner: user,
  });
  return [
    { description: `system user ${user.name}`, prefix: [...become, "--"], owner: user },
    withCapability("dac_read_search"),
    withCapability("dac_override"),
    inNamespace,
  ];
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}

/** A user of the machine that is not root and owns nothing of worth, best first. */
async function findSystemUser(): Promise<{ name: string; uid: number; gid: number }> {
  const entries = (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n");
  for (const name of ["heliostat", "postgres", "nobody"]) {
    const entry = entries.find((line) => line.startsWith(`${name}:`))?.split(":");
    const uid = Number(entry?.[2]);
    const gid = Number(entry?.[3]);
    if (uid > 0 && gid > 0) return { name, uid, gid };
  }
  return { name: "nobody", uid: 65_534, gid: 65_534 };
}
