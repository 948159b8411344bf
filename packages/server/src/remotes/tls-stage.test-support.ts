import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import type { TlsOptions } from "node:tls";
import { type Identity, makeAuthority } from "../../../../test/support/certificates.ts";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { startGitHttpPeer } from "../../../../test/support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTempDir } from "../../../../test/support/repositories.ts";
import { startTlsPeer, type TlsPeer } from "../../../../test/support/tls-peer.ts";
import type { RemoteAccess, RemoteTrust } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { parseRefName } from "../domain/ref-name.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createRepositories } from "../git/repositories.ts";
import { createRemotes, type RemotesOptions } from "./remotes.ts";

export const LOCAL = { allowLocalRequests: true };

/** A repository over HTTP and TLS with an authority of its own; all of it is gone after the tests of the file. */
export async function openTlsStage() {
  const cleanups: (() => Promise<void>)[] = [];
  const root = await makeTempDir({ after: (clean) => cleanups.push(clean) });

  async function makeDir(name: string): Promise<string> {
    const dir = join(root, name);
    await mkdir(dir);
    return dir;
  }

  const authority = await makeAuthority(await makeDir("authority"));
  const other = await makeAuthority(await makeDir("other"), "Another root");
  const server = await authority.issue("git", { names: "DNS:git.example,DNS:*.forge.example,IP:127.0.0.1" });
  const client = await authority.issue("mirror");
  await makeCommit(await makeRepository(join(await makeDir("served"), "a.git")));
  const peer = await startGitHttpPeer({ root: join(root, "served") });
  const open = await startTlsPeer(peer, { cert: server.certificate, key: server.key });
  /** Wants a certificate of its clients. */
  const closed = await startTlsPeer(peer, {
    ...{ cert: server.certificate, key: server.key },
    ...{ requestCert: true, ca: authority.certificate },
  });
  cleanups.unshift(...[peer, open, closed].map((each) => () => each.close()));
  after(async () => {
    for (const clean of cleanups) await clean();
  });

  /** A server of the same repository that shows this certificate; closed when the test ends. */
  async function startPeer(t: TestContext, identity: Identity, options: TlsOptions = {}): Promise<TlsPeer> {
    const tls = await startTlsPeer(peer, { cert: identity.certificate, key: identity.key, ...options });
    t.after(() => tls.close());
    return tls;
  }

  return { root, makeDir, authority, other, server, client, peer, open, closed, startPeer };
}

/** Closed when the test ends. Names that end in `example` are this machine, others are not known. */
export function makeRemotes(t: TestContext, options: Partial<RemotesOptions> = {}) {
  const remotes = createRemotes({
    log: makeMemoryLog(),
    userAgent: "git/heliostat-test",
    resolve: (host) =>
      host.endsWith("example") ? Promise.resolve(["127.0.0.1"]) : Promise.reject(new Error("no")),
    ...options,
  });
  t.after(() => remotes.close());
  return remotes;
}

/** Lists refs over a connection of its own, and answers them. */
export async function list(
  t: TestContext,
  url: string,
  options: Partial<RemotesOptions> & { trust?: RemoteTrust; rules?: object } = {},
): Promise<readonly string[]> {
  const { trust, rules, ...rest } = options;
  const remotes = makeRemotes(t, rest);
  const remote = await remotes.open(parseRemoteUrl(url).url, null, {
    ...LOCAL,
    ...rules,
    ...(trust ? { trust } : {}),
  });
  const { refs } = await remotes.listRefs(remote, { signal: t.signal });
  return [...refs.keys()];
}

/** Fetches everything by git, into a repository of its own; answers its refs. */
export async function fetch(t: TestContext, remote: RemoteAccess): Promise<readonly string[]> {
  const repositories = createRepositories({ root: await makeTempDir(t), log: makeMemoryLog() });
  const path = join(await makeTempDir(t), "copy.git");
  await repositories.init(path, { objectFormat: "sha1", head: parseRefName("refs/heads/main") });
  const { refs } = await repositories.fetchAll(path, remote, { signal: t.signal });
  return [...refs.keys()];
}

/** The error that listing ends with, and the one that git's transfer ends with: the same. */
export async function troubleOf(
  t: TestContext,
  url: string,
  options: Partial<RemotesOptions> & { trust?: RemoteTrust } = {},
): Promise<string> {
  const { trust, ...rest } = options;
  const remotes = makeRemotes(t, rest);
  const remote = await remotes.open(parseRemoteUrl(url).url, null, { ...LOCAL, ...(trust ? { trust } : {}) });
  const byUs = await failureOf(remotes.listRefs(remote, { signal: t.signal }));
  const byGit = remote.openTunnel === undefined ? byUs : await failureOf(fetch(t, remote));
  assert.equal(byGit, byUs, "git's transfer says the same");
  return byUs;
}

/** Code and message of the error that the work ends with; fails the test when it ends well. */
export async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new assert.AssertionError({ message: "it went well" }),
    (error: unknown) => error,
  );
  assert.ok(error instanceof HeliostatError, String(error));
  return `${error.code}: ${error.message}`;
}
