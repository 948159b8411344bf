import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type SyncEnd, type SyncOutcome, syncRepositories } from "../app/sync/sync-repositories.ts";
import { validateBranchRegex } from "../domain/branch-filter.ts";
import { HeliostatError } from "../domain/errors.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { createRepositories } from "../git/repositories.ts";
import { createRemotes } from "../remotes/remotes.ts";
import { USER_AGENT } from "../version.ts";
import { showProgress } from "./progress-line.ts";
import { describeSync, syncAsJson } from "./sync-report.ts";

export interface SyncFlags {
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly keepDivergentRefs: boolean;
  readonly branches: string | null;
}

const QUIET = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** `heliostat sync SOURCE TARGET`. Answers the exit code: 0 in step, 1 failed or diverged. */
export async function sync(source: string, target: string, flags: SyncFlags): Promise<number> {
  if (flags.branches !== null) {
    const problems = validateBranchRegex(flags.branches);
    if (problems.length > 0)
      throw new HeliostatError("parameter-invalid", `--branches ${problems.join(", ")}`);
  }
  const repositories = createRepositories({ root: await cacheDirectory(), log: QUIET });
  await repositories.requireGit();
  const remotes = createRemotes({ log: QUIET, userAgent: USER_AGENT });
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const progress = showProgress(process.stderr);
  try {
    const outcome = await syncRepositories(
      { repositories, remotes },
      await openEnd(source, remotes, "SOURCE"),
      await openEnd(target, remotes, "TARGET"),
      { ...flags, relayPath: join(await cacheDirectory(), `${digest(source)}.git`) },
      { signal: stop.signal, onProgress: progress.update },
    );
    progress.clear();
    console.log(flags.json ? syncAsJson(outcome, flags.dryRun) : describeSync(outcome, flags.dryRun));
    return isInStep(outcome) ? 0 : 1;
  } finally {
    progress.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    await remotes.close();
  }
}

function isInStep({ plan, results }: SyncOutcome): boolean {
  const outcomes = [...results, ...plan.held].map((result) => result.outcome);
  return !outcomes.some((outcome) => outcome === "rejected" || outcome === "diverged" || outcome === "held");
}

type Remotes = ReturnType<typeof createRemotes>;

/** A URL, or the path of a repository: a bare one, or the `.git` of a checkout as a source. */
async function openEnd(text: string, remotes: Remotes, which: "SOURCE" | "TARGET"): Promise<SyncEnd> {
  const looksLikeUrl =
    /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || (/^[^/]+@[^/]+:/.test(text) && !existsSync(text));
  if (looksLikeUrl) {
    const { url, username, password } = parseRemoteUrl(text);
    const credential =
      username === null && password === null ? null : { username: username ?? "", password: password ?? "" };
    return { kind: "remote", access: await remotes.open(url, credential, { allowLocalRequests: true }) };
  }
  const path = resolve(text);
  const isCheckout = existsSync(join(path, ".git"));
  if (which === "TARGET" && isCheckout) {
    throw new HeliostatError(
      "parameter-invalid",
      `TARGET ${path} is a checkout. Name a bare repository (git init --bare), so that no work tree falls behind its branch.`,
    );
  }
  if (which === "SOURCE" && !existsSync(path)) {
    throw new HeliostatError("not-found", `SOURCE ${path} does not exist.`);
  }
  return { kind: "local", path: isCheckout ? join(path, ".git") : path };
}

async function cacheDirectory(): Promise<string> {
  const path = join(homedir(), ".cache", "heliostat");
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
