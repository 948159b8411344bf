import { homedir } from "node:os";
import { join } from "node:path";
import type { Log, Ports } from "../app/ports.ts";
import { chooseProxy } from "../config/proxies.ts";
import { readCaFile } from "../config/read-ca-file.ts";
import type { Settings } from "../config/settings.ts";
import { createRepositories } from "../git/repositories.ts";
import { createRemotes } from "../remotes/remotes.ts";
import { USER_AGENT } from "../version.ts";

export interface OneShot {
  readonly ports: Pick<Ports, "repositories" | "remotes">;
  /** Where repositories of ours may stay between runs. */
  readonly cacheDir: string;
  close(): Promise<void>;
}

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Joins what a command needs that works without server and database. `git-missing` or `git-too-old` at once. */
export async function openOneShot(settings: Pick<Settings, "caFile" | "proxies">): Promise<OneShot> {
  const caCertificates = readCaFile(settings);
  const cacheDir = join(homedir(), ".cache", "heliostat");
  const repositories = createRepositories({ root: cacheDir, log: QUIET });
  await repositories.requireGit();
  const remotes = createRemotes({
    log: QUIET,
    userAgent: USER_AGENT,
    caCertificates,
    proxyFor: (endpoint) => chooseProxy(settings.proxies, endpoint),
  });
  return { ports: { repositories, remotes }, cacheDir, close: () => remotes.close() };
}
