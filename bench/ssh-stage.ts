import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RemoteAccess } from "../packages/server/src/app/ports.ts";
import { parseRemoteUrl } from "../packages/server/src/domain/remote-url.ts";
import { createRemotes } from "../packages/server/src/remotes/remotes.ts";
import { startSshPeer } from "../test/support/ssh-peer.ts";
import { SILENT } from "./silent-log.ts";

const execute = promisify(execFile);

/** What a benchmark over SSH works with. */
export interface SshStage {
  readonly dir: string;
  /** The bare repositories that Debian's sshd serves. */
  readonly peerRoot: string;
  urlOf(repository: string): string;
  /** For `GIT_SSH_COMMAND`: OpenSSH with the same key and the same known host keys as we have. */
  readonly openSsh: string;
  readonly remotes: ReturnType<typeof createRemotes>;
  open(repository: string): Promise<RemoteAccess>;
}

/** Sets the stage for one benchmark over SSH and clears it away after, whatever happens. Needs root, as sshd does. */
export async function onSshStage<T>(work: (stage: SshStage) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "heliostat-bench-"));
  const peerRoot = join(dir, "peer");
  const keyFile = join(dir, "key");
  await mkdir(peerRoot);
  await execute("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", keyFile]);
  const publicKey = await readFile(`${keyFile}.pub`, "utf8");
  const privateKey = await readFile(keyFile, "utf8");
  const peer = await startSshPeer({
    root: peerRoot,
    accounts: [{ name: "git", authorizedKeys: [publicKey] }],
  });
  const remotes = createRemotes({ log: SILENT, userAgent: "heliostat-bench" });
  try {
    const knownHosts = peer.knownHosts();
    await writeFile(join(dir, "known_hosts"), knownHosts);
    return await work({
      ...{ dir, peerRoot, remotes },
      urlOf: (repository) => peer.urlOf(repository),
      openSsh: `ssh -F none -i ${keyFile} -o UserKnownHostsFile=${join(dir, "known_hosts")} -o StrictHostKeyChecking=yes`,
      open: (repository) =>
        remotes.open(
          parseRemoteUrl(peer.urlOf(repository)).url,
          { username: "", password: "", privateKey },
          { allowLocalRequests: true, trust: { knownHosts } },
        ),
    });
  } finally {
    await remotes.close();
    await peer.close();
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}
