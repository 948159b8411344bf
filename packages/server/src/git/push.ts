import { join } from "node:path";
import type { RemoteAccess, TransferOptions } from "../app/ports.ts";
import { acceptedVerdict, type PushVerdict, refusedVerdict, staleVerdict } from "../domain/push-verdict.ts";
import { redact } from "../domain/redact.ts";
import { rejectedResult } from "../domain/ref-result.ts";
import type { RefChange } from "../domain/refs.ts";
import { classifyRejection } from "../domain/rejection.ts";
import type { RunResult } from "../exec/run.ts";
import { BROKEN_OWN_OBJECT, classifyStderr, failureLines, remoteWords } from "./classify-stderr.ts";
import { readPushReport } from "./push-report.ts";
import { makePushView, VIEW_REMOTE, viewConfig, viewRefspecs } from "./push-view.ts";
import { type Patience, type RemoteCall, withRemoteCall } from "./remote-call.ts";
import type { Git, GitCall } from "./run-git.ts";
import type { Staging } from "./staging.ts";

/**
 * One `git push` of these changes, each with a lease on the value that the plan saw, through a view that holds the
 * push and nothing else. One verdict a change, in their order.
 *
 * Throws when the remote cannot be spoken to.
 */
export async function push(
  git: Git,
  staging: Staging,
  path: string,
  remote: RemoteAccess,
  group: readonly RefChange[],
  options: TransferOptions,
  patience: Patience,
): Promise<readonly PushVerdict[]> {
  return await withRemoteCall(
    remote,
    options,
    patience,
    (call) => pushWith(git, staging, path, group, call, patience),
    "git-receive-pack",
  );
}

async function pushWith(
  git: Git,
  staging: Staging,
  path: string,
  group: readonly RefChange[],
  { url, config, ...prepared }: RemoteCall,
  patience: Patience,
): Promise<readonly PushVerdict[]> {
  return await staging.use("push", async (view) => {
    await makePushView(view, group);
    const call: GitCall = {
      ...prepared,
      config: [...config, ...viewConfig(url)],
      env: { ...prepared.env, GIT_OBJECT_DIRECTORY: join(path, "objects") },
      gitDir: view,
      // A push is silent while git compresses and while the remote thinks it over.
      idleTimeoutMs: patience.silenceSeconds * 1000,
      args: [
        ...["push", "--porcelain", "--progress", "--force-with-lease", "--no-verify", "--no-follow-tags"],
        ...["--no-signed", "--recurse-submodules=no", "--", VIEW_REMOTE],
        ...viewRefspecs(group),
      ],
      // 1: some refs were refused, which is an answer and no failure.
      expect: [1],
    };
    return readVerdicts(git, call, await git.run(call), group);
  });
}

function readVerdicts(
  git: Git,
  call: GitCall,
  exit: RunResult,
  group: readonly RefChange[],
): readonly PushVerdict[] {
  const lines = readPushReport(exit.stdout.toString());
  const stderr = redact(exit.stderr, call.secrets ?? []);
  const words = remoteWords(stderr);
  const isCut = group.every((change) =>
    (lines.get(change.ref)?.reason ?? "failed to report status").includes("report status"),
  );
  // Git lists nothing, or lists every ref as unanswered, when the connection broke.
  if (exit.exitCode !== 0 && isCut && classifyStderr(exit.stderr) !== null) throw git.describe(call, exit);
  // The remote refuses half a pack, but it is not the remote that stumbled.
  if (exit.exitCode !== 0 && BROKEN_OWN_OBJECT.test(exit.stderr)) throw git.describe(call, exit);

  return group.map((change) => {
    const line = lines.get(change.ref);
    // Git gave up before it asked the remote: one of these refspecs is not to its liking.
    if (!line) {
      const message = failureLines(stderr);
      return {
        result: rejectedResult(change, message, classifyRejection(message, [])),
        isOfWholePush: true,
        said: [],
      };
    }
    // "=": somebody else brought it there already; it is where it was to be.
    if (line.flag !== "!") return acceptedVerdict(change);
    if (line.reason === "stale info") return staleVerdict(change);
    return refusedVerdict(
      change,
      redact(line.reason === "" ? line.summary : line.reason, call.secrets ?? []),
      words,
    );
  });
}
