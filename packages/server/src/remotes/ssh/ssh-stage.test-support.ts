import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import { makeCommits, makeRepository, makeTempDir } from "../../../../../test/support/repositories.ts";
import { type SshPeer, type SshPeerOptions, startSshPeer } from "../../../../../test/support/ssh-peer.ts";
import type { RemoteAccess, RemoteCredential } from "../../app/ports.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { createRepositories } from "../../git/repositories.ts";
import type { RemoteLimits } from "../limits.ts";
import { createRemotes } from "../remotes.ts";

const execute = promisify(execFile);

export const PASSWORD = "s3cret/p@ss'word";

/** A new key pair as ssh-keygen writes it, in files of this name in the directory. */
export async function makeKeyPair(
  dir: string,
  name: string,
  type = "ed25519",
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const file = join(dir, name);
  await execute("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "a comment", "-f", file]);
  return { privateKey: await readFile(file, "utf8"), publicKey: await readFile(`${file}.pub`, "utf8") };
}

/**
 * A real sshd with the repository `theirs.git`, the account `git` that takes a key and `someone` who takes a password,
 * and the parts of a server that speak to it.
 */
export async function setUpSsh(
  t: TestContext,
  options: { readonly peer?: Partial<SshPeerOptions>; readonly limits?: Partial<RemoteLimits> } = {},
) {
  const dir = await makeTempDir(t);
  const root = join(dir, "peers");
  await mkdir(root);
  const theirs = await makeRepository(join(root, "theirs.git"));
  const [a = "", b = ""] = await makeCommits(theirs, 2);
  const key = await makeKeyPair(dir, "key");
  const peer = await startSshPeer({
    root,
    accounts: [
      { name: "git", authorizedKeys: [key.publicKey] },
      { name: "someone", password: PASSWORD },
    ],
    ...options.peer,
  });
  const log = makeMemoryLog();
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test", limits: options.limits ?? {} });
  t.after(async () => {
    await remotes.close();
    await peer.close();
  });
  const repositories = createRepositories({ root: join(dir, "data"), log });
  const ours = await makeRepository(join(dir, "ours.git"));

  /** The repository as a mirror would open it: with the key, unless a credential is told. */
  const open = (
    url: string,
    { credential, knownHosts }: { credential?: Partial<RemoteCredential> | null; knownHosts?: string } = {},
  ): Promise<RemoteAccess> =>
    remotes.open(
      parseRemoteUrl(url).url,
      credential === null
        ? null
        : { username: "", password: "", ...(credential ?? { privateKey: key.privateKey }) },
      { allowLocalRequests: true, trust: { knownHosts: knownHosts ?? peer.knownHosts() } },
    );
  const list = async (
    url = peer.urlOf("theirs.git"),
    how: Parameters<typeof open>[1] = {},
    signal: AbortSignal = t.signal,
  ): Promise<Record<string, string>> => {
    const { refs } = await remotes.listRefs(await open(url, how), { signal });
    return Object.fromEntries([...refs].map(([name, { oid }]) => [name, oid]));
  };
  return { dir, root, theirs, ours, a, b, key, peer, log, remotes, repositories, open, list };
}

/** The URL with another port: of something that stands in front of the peer, or in its place. */
export function atPort(peer: SshPeer, port: number, repository = "theirs.git"): string {
  return peer.urlOf(repository).replace(`:${peer.port}/`, `:${port}/`);
}
