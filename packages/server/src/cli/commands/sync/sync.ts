import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Remotes } from "../../../app/ports.ts";
import { type SyncEnd, type SyncOutcome, syncRepositories } from "../../../app/sync/sync-repositories.ts";
import { openOneShot } from "../../../compose/open-one-shot.ts";
import { readProcessSettings } from "../../../config/settings.ts";
import { validateBranchRegex } from "../../../domain/branch-filter.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { parseRemoteUrl, schemeOf } from "../../../domain/remote-url.ts";
import { CHECKOUT_DIR } from "../../places.ts";
import { showProgress } from "../../terminal/progress-line.ts";
import { describeSync, syncAsJson } from "./sync-report.ts";

export interface SyncFlags {
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly keepDivergentRefs: boolean;
  readonly branches: string | null;
}

/** `heliostat sync SOURCE TARGET`. Answers the exit code: 0 in step, 1 failed or diverged. */
export async function sync(source: string, target: string, flags: SyncFlags): Promise<number> {
  if (flags.branches !== null) {
    const problems = validateBranchRegex(flags.branches);
    if (problems.length > 0)
      throw new HeliostatError("parameter-invalid", `--branches ${problems.join(", ")}`);
  }
  const { ports, cacheDir, close } = await openOneShot(readProcessSettings({ checkoutDir: CHECKOUT_DIR }));
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const progress = showProgress(process.stderr);
  try {
    const outcome = await syncRepositories(
      ports,
      await openEnd(source, ports.remotes, "SOURCE"),
      await openEnd(target, ports.remotes, "TARGET"),
      { ...flags, relayPath: join(cacheDir, `${digest(source)}.git`) },
      { signal: stop.signal, onProgress: progress.update },
    );
    progress.clear();
    console.log(flags.json ? syncAsJson(outcome, flags.dryRun) : describeSync(outcome, flags.dryRun));
    return isInStep(outcome) ? 0 : 1;
  } finally {
    progress.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    await close();
  }
}

function isInStep({ plan, results }: SyncOutcome): boolean {
  const outcomes = [...results, ...plan.held].map((result) => result.outcome);
  return !outcomes.some((outcome) => outcome === "rejected" || outcome === "diverged" || outcome === "held");
}

/** A URL, or the path of a repository: a bare one, or the `.git` of a checkout as a source. */
async function openEnd(text: string, remotes: Remotes, which: "SOURCE" | "TARGET"): Promise<SyncEnd> {
  const looksLikeUrl =
    /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || (/^[^/]+@[^/]+:/.test(text) && !existsSync(text));
  if (looksLikeUrl) {
    const { url, username, password } = parseRemoteUrl(text);
    if (schemeOf(url) === "ssh") {
      throw new HeliostatError(
        "parameter-invalid",
        `${which} is an SSH URL. Those need host keys that somebody has verified and a key or password, which mirrors of a server have (heliostat mirror add). Here, use the repository's https:// URL.`,
      );
    }
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

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
