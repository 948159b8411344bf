import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { GIT_ENV } from "./repositories.ts";

const execute = promisify(execFile);

const SSHD = "/usr/sbin/sshd";

export type HostKeyType = "rsa" | "ecdsa" | "ed25519";

export interface SshAccount {
  readonly name: string;
  /** Signs in by the methods `password` and `keyboard-interactive`; by none of them when left out. */
  readonly password?: string;
  /** Lines of `authorized_keys`. */
  readonly authorizedKeys?: readonly string[];
}

export interface SshPeerOptions {
  /** The directory whose bare repositories are served by their relative paths. */
  readonly root: string;
  readonly accounts: readonly SshAccount[];
  /** All three unless told. */
  readonly hostKeys?: readonly HostKeyType[];
  /** Whether the wish for protocol v2 gets through to git, as it does where an admin has seen to it; yes unless told. */
  readonly acceptsGitProtocol?: boolean;
  /** More lines of `sshd_config`, before ours, so that they win: `Ciphers aes256-ctr`, `MaxSessions 2`. */
  readonly config?: readonly string[];
}

export interface HostKey {
  /** As known_hosts names it: `ssh-ed25519`. */
  readonly algorithm: string;
  /** Base64. */
  readonly key: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
}

export interface SshPeer {
  readonly port: number;
  /** `ssh://<account>@127.0.0.1:<port>/<repository>`; the first account unless told. */
  urlOf(repository: string, account?: string): string;
  /** As sshd shows them now. */
  hostKeys(): readonly HostKey[];
  /** The host keys in the form of known_hosts; for a front of this peer, by its port. */
  knownHosts(port?: number): string;
  /** Connections so far. Read from sshd's log, which may lag a little behind. */
  connections(): number;
  /** Sign-ins so far, and those that were refused: `publickey for git`, `password for git`. */
  accepted(): readonly string[];
  failed(): readonly string[];
  /** What was asked to be run so far, byte for byte, with the value of `GIT_PROTOCOL` before it: `version=2 git-…`. */
  commands(): Promise<readonly string[]>;
  log(): string;
  /** Replaces the lines of an account's `authorized_keys`. */
  authorize(account: string, authorizedKeys: readonly string[]): Promise<void>;
  /**
   * Shell text that is run before each command from now on, with its service and path in `$1` and `$2`; it may end it.
   * `echo "ERROR: no such thing" >&2; exit 1`.
   */
  setFault(shell: string | null): Promise<void>;
  /** Ends everything that runs, connections too, and nobody listens any more. */
  stop(): Promise<void>;
  /** Listens again on the same port, with these host keys made anew and these lines of `sshd_config`, where given. */
  start(changes?: Pick<SshPeerOptions, "hostKeys" | "config">): Promise<void>;
  close(): Promise<void>;
}

/** Why the SSH peer cannot be started here; null: it can. */
function hindrance(): string | null {
  if (process.platform !== "linux") return "it needs the namespaces of Linux";
  if (!existsSync(SSHD)) return `there is no ${SSHD}: install openssh-server`;
  if (process.getuid?.() !== 0)
    return "it needs root, to give sshd accounts of its own in a namespace of its own";
  return null;
}

/**
 * Starts Debian's sshd on a free port of 127.0.0.1, with host keys and accounts of its own, which serves git
 * repositories and nothing else. It sees its accounts in a private mount namespace: those of this machine are neither
 * touched nor known to it. Needs root, and says so.
 */
export async function startSshPeer(options: SshPeerOptions): Promise<SshPeer> {
  const reason = hindrance();
  if (reason !== null) throw new Error(`The SSH peer cannot be started here: ${reason}.`);
  const dir = await mkdtemp(join(tmpdir(), "heliostat-sshd-"));
  const commandsFile = join(dir, "commands");
  const faultFile = join(dir, "fault.sh");
  const keysFile = (account: string) => join(dir, `authorized_keys.${account}`);
  const writeKeys = (account: string, lines: readonly string[]) =>
    writeFile(keysFile(account), lines.map((line) => `${line.trim()}\n`).join(""));

  await writeFile(commandsFile, "");
  await writeFile(join(dir, "serve.sh"), serveScript(options.root, commandsFile, faultFile), { mode: 0o755 });
  await writeAccounts(dir, options.accounts);
  for (const { name, authorizedKeys } of options.accounts) await writeKeys(name, authorizedKeys ?? []);

  let types = options.hostKeys ?? ["rsa", "ecdsa", "ed25519"];
  let config = options.config ?? [];
  let keys = await makeHostKeys(dir, types);
  let log = "";
  let running: ChildProcess | null = null;

  async function listen(port: number): Promise<void> {
    await writeFile(join(dir, "sshd_config"), sshdConfig(dir, { ...options, port, types, config }));
    const child = spawn(
      "unshare",
      [
        ...["--mount", "--pid", "--fork", "--kill-child"],
        ...["sh", "-c", ENTER_NAMESPACE, "sh", dir, SSHD, join(dir, "sshd_config")],
      ],
      { env: { PATH: GIT_ENV["PATH"] ?? "" }, stdio: ["ignore", "ignore", "pipe"] },
    );
    const from = log.length;
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        if (log.includes("Server listening on", from)) resolve();
      });
      child.once("error", reject);
      child.once("close", () => reject(new Error(`sshd ended: ${log.slice(from)}`)));
    });
    running = child;
  }

  async function stop(): Promise<void> {
    const child = running;
    running = null;
    if (child === null) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    // Its child is the first process of a namespace: with it, all that ever came from it is ended.
    child.kill("SIGKILL");
    await gone;
  }

  const lines = (pattern: RegExp) => [...log.matchAll(pattern)].map((match) => match[1] ?? "");
  let port = 0;
  try {
    port = await listenOnFreePort(listen);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }

  return {
    port,
    urlOf: (repository, account = options.accounts[0]?.name ?? "git") =>
      `ssh://${account}@127.0.0.1:${port}/${repository}`,
    hostKeys: () => keys,
    knownHosts: (shownPort = port) =>
      keys.map(({ algorithm, key }) => `[127.0.0.1]:${shownPort} ${algorithm} ${key}\n`).join(""),
    connections: () => lines(/^Connection (from) /gm).length,
    accepted: () => lines(/^Accepted (\S+ for \S+) from /gm),
    failed: () => lines(/^Failed (\S+ for (?:invalid user )?\S+) from /gm),
    commands: async () => (await readFile(commandsFile, "utf8")).split("\n").slice(0, -1),
    log: () => log,
    authorize: writeKeys,
    setFault: (shell) => (shell === null ? rm(faultFile, { force: true }) : writeFile(faultFile, shell)),
    stop,
    async start(changes = {}) {
      await stop();
      if (changes.hostKeys !== undefined) {
        types = changes.hostKeys;
        keys = await makeHostKeys(dir, types);
      }
      config = changes.config ?? config;
      await listen(port);
    },
    async close() {
      await stop();
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A port that nobody listens on; somebody else may take it at any moment, so a few are tried. */
async function listenOnFreePort(listen: (port: number) => Promise<void>): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    try {
      await listen(port);
      return port;
    } catch (error) {
      if (attempt === 5 || !String(error).includes("in use")) throw error;
    }
  }
}

/**
 * `$1` is the directory of the files that are laid over the machine's own. An empty `/run` hides the name service's
 * cache, which would know the machine's accounts, and has the directory that sshd locks itself up in.
 */
const ENTER_NAMESPACE = `
set -e
for file in passwd group shadow nsswitch.conf pam.d/sshd; do
  if [ -e "/etc/$file" ]; then mount --bind "$1/etc/$file" "/etc/$file"; fi
done
mount -t tmpfs tmpfs /run
mkdir -m 0755 /run/sshd
exec "$2" -D -e -f "$3"
`;

async function writeAccounts(dir: string, accounts: readonly SshAccount[]): Promise<void> {
  const etc = join(dir, "etc");
  await mkdir(join(etc, "pam.d"), { recursive: true });
  const passwd = ["root:x:0:0:root:/nonexistent:/bin/sh", "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin"];
  const shadow = ["root:*:19000::::::", "sshd:*:19000::::::"];
  for (const { name, password } of accounts) {
    passwd.push(`${name}:x:0:0::${dir}:/bin/sh`);
    shadow.push(`${name}:${password === undefined ? "*" : await hashPassword(password)}:19000::::::`);
  }
  await writeFile(join(etc, "passwd"), `${passwd.join("\n")}\n`);
  await writeFile(join(etc, "shadow"), `${shadow.join("\n")}\n`, { mode: 0o600 });
  await writeFile(join(etc, "group"), "root:x:0:\nnogroup:x:65534:\n");
  await writeFile(
    join(etc, "nsswitch.conf"),
    "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
  );
  await writeFile(
    join(etc, "pam.d", "sshd"),
    "auth required pam_unix.so nodelay\naccount required pam_permit.so\nsession required pam_permit.so\n",
  );
}

async function hashPassword(password: string): Promise<string> {
  const { stdout } = await execute("openssl", ["passwd", "-6", "-salt", "heliostat", "--", password]);
  return stdout.trim();
}

/** In the order in which the types are given. */
async function makeHostKeys(dir: string, types: readonly HostKeyType[]): Promise<readonly HostKey[]> {
  return Promise.all(
    types.map(async (type) => {
      const file = join(dir, `host_${type}`);
      await rm(file, { force: true });
      await execute("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", file]);
      const [algorithm = "", key = ""] = (await readFile(`${file}.pub`, "utf8")).split(" ");
      const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("base64");
      return { algorithm, key, fingerprint: `SHA256:${digest.replace(/=+$/, "")}` };
    }),
  );
}

function sshdConfig(
  dir: string,
  {
    port,
    types,
    config,
    acceptsGitProtocol = true,
  }: SshPeerOptions & { port: number; types: readonly HostKeyType[]; config: readonly string[] },
): string {
  return [
    ...config,
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    ...types.map((type) => `HostKey ${join(dir, `host_${type}`)}`),
    `AuthorizedKeysFile ${join(dir, "authorized_keys.%u")}`,
    `ForceCommand ${join(dir, "serve.sh")}`,
    ...(acceptsGitProtocol ? ["AcceptEnv GIT_PROTOCOL"] : []),
    "PermitRootLogin yes",
    "PasswordAuthentication yes",
    "KbdInteractiveAuthentication yes",
    "UsePAM yes",
    "StrictModes no",
    "PidFile none",
    "UseDNS no",
    "MaxStartups 200",
    "LogLevel VERBOSE",
    "",
  ].join("\n");
}

/** Takes the command apart as a shell does, as hosts do, and serves what it names below the root. */
function serveScript(root: string, commandsFile: string, faultFile: string): string {
  return `#!/bin/sh
printf '%s %s\\n' "\${GIT_PROTOCOL:--}" "$SSH_ORIGINAL_COMMAND" >>'${commandsFile}'
eval "set -- $SSH_ORIGINAL_COMMAND"
if [ -e '${faultFile}' ]; then . '${faultFile}'; fi
case "$1" in
  git-upload-pack | git-receive-pack) ;;
  *) echo "this account serves git only" >&2; exit 128 ;;
esac
export LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
exec "$1" '${root}'/"\${2#/}"
`;
}
