import { join } from "node:path";
import type { RemoteAccess, TransferOptions } from "../app/ports.ts";
import { asHeliostatError, type HeliostatError } from "../domain/errors.ts";
import type { RefName } from "../domain/ref-name.ts";
import type { RefChange, RefResult } from "../domain/refs.ts";
import type { RunResult } from "../exec/run.ts";
import { classifyStderr, failureLines, remoteWords } from "./classify-stderr.ts";
import { type PushedLine, readPushReport } from "./push-report.ts";
import { makePushView, VIEW_REMOTE, viewConfig, viewRefspecs } from "./push-view.ts";
import { rejectedResult, successResult } from "./ref-result.ts";
import { type Patience, prepareRemoteCall } from "./remote-call.ts";
import type { Git, GitCall } from "./run-git.ts";
import type { Staging } from "./staging.ts";

/** Strict hosts answer pushes of many thousands of refs with an error; chunks of 500 pass. */
const MAX_REFS = 500;
/**
 * How often a declined push is split: enough to find two bad refs among 1,000, and more with each push of which
 * something arrived. A remote that declines everything is soon left alone.
 */
const SPLITS = 24;
const SPLITS_FOR_SUCCESS = 4;

/**
 * Reasons that a server gives to every ref of a push because of one of them. The refs are pushed again in halves, so
 * that one bad ref among 1,000 costs some 20 pushes and the other 999 arrive.
 */
const WHOLE_PUSH = /pre-receive hook declined|unpack|atomic|transaction|failed to report status/i;

/**
 * Pushes all changes, each with a lease on the value that the plan saw, and answers one result a change, in their
 * order. What is pushed is the commit that the plan saw, not what a ref of ours may be by now.
 *
 * Throws when the remote cannot be spoken to at all. When that happens after some refs were pushed, it answers: those
 * have their outcome, the others are `rejected` with the reason. `cancelled` is always thrown.
 */
export async function push(
  git: Git,
  staging: Staging,
  path: string,
  remote: RemoteAccess,
  changes: readonly RefChange[],
  options: TransferOptions,
  patience: Patience,
): Promise<readonly RefResult[]> {
  const results = new Map<RefName, RefResult>();
  const queue = chunk(changes);
  let splitsLeft = SPLITS;
  for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
    try {
      const report = await pushOnce(git, staging, path, remote, group, options, patience);
      const declined = group.filter((change) => report.get(change.ref)?.isOfWholePush === true);
      const isOfUse = group.some((change) => report.get(change.ref)?.result.outcome !== "rejected");
      if (isOfUse) splitsLeft += SPLITS_FOR_SUCCESS;
      const again = new Set(declined.length > 1 && splitsLeft > 0 ? declined : []);
      if (again.size > 0) {
        splitsLeft -= 1;
        const half = Math.ceil(declined.length / 2);
        queue.unshift(declined.slice(0, half), declined.slice(half));
      }
      for (const change of group) {
        const verdict = report.get(change.ref);
        if (verdict && !again.has(change)) results.set(change.ref, verdict.result);
      }
    } catch (thrown) {
      const error = asHeliostatError(thrown);
      if (results.size === 0 || error.code === "cancelled") throw error;
      breakOff(error, group, queue.flat(), results);
      break;
    }
  }
  return changes.map(
    (change) => results.get(change.ref) ?? rejectedResult(change, "The remote said nothing about it."),
  );
}

function breakOff(
  error: HeliostatError,
  group: readonly RefChange[],
  rest: readonly RefChange[],
  results: Map<RefName, RefResult>,
): void {
  for (const change of group) {
    results.set(
      change.ref,
      rejectedResult(change, `The push broke off and may or may not have changed it: ${error.message}`),
    );
  }
  for (const change of rest) {
    results.set(
      change.ref,
      rejectedResult(change, `Not pushed, because the push before it broke off: ${error.message}`),
    );
  }
}

interface Verdict {
  readonly result: RefResult;
  /** Whether it was declined for what may be another ref's fault. */
  readonly isOfWholePush: boolean;
}

async function pushOnce(
  git: Git,
  staging: Staging,
  path: string,
  remote: RemoteAccess,
  group: readonly RefChange[],
  options: TransferOptions,
  patience: Patience,
): Promise<ReadonlyMap<RefName, Verdict>> {
  const { url, config, ...prepared } = prepareRemoteCall(remote, options, patience);
  return await staging.use("push", async (view) => {
    await makePushView(view, group);
    const call: GitCall = {
      ...prepared,
      config: [...config, ...viewConfig(url)],
      env: { ...prepared.env, GIT_OBJECT_DIRECTORY: join(path, "objects") },
      gitDir: view,
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
): ReadonlyMap<RefName, Verdict> {
  const lines = readPushReport(exit.stdout.toString());
  const said = remoteWords(exit.stderr);
  const isCut = group.every((change) =>
    (lines.get(change.ref)?.reason ?? "failed to report status").includes("report status"),
  );
  // Git lists nothing, or lists every ref as unanswered, when the connection broke.
  if (exit.exitCode !== 0 && isCut && classifyStderr(exit.stderr) !== null) throw git.describe(call, exit);

  return new Map(
    group.map((change): [RefName, Verdict] => {
      const line = lines.get(change.ref);
      // Git gave up before it asked the remote: one of these refspecs is not to its liking.
      if (!line)
        return [
          change.ref,
          { result: rejectedResult(change, failureLines(exit.stderr)), isOfWholePush: true },
        ];
      return [change.ref, { result: judge(change, line, said), isOfWholePush: WHOLE_PUSH.test(line.reason) }];
    }),
  );
}

function judge(change: RefChange, line: PushedLine, said: string): RefResult {
  const { ref, old, new: oid } = change;
  switch (line.flag) {
    case " ":
      return { ref, outcome: "fast-forward", old, new: oid };
    case "+":
      return { ref, outcome: "forced", old, new: oid };
    case "*":
      return { ref, outcome: "created", old, new: oid };
    case "-":
      return { ref, outcome: "deleted", old, new: oid };
    // Somebody else brought it there already; it is where it was to be.
    case "=":
      return successResult(change);
    case "!":
      return rejectedResult(change, describeRejection(line, said));
  }
}

function describeRejection({ reason, summary }: PushedLine, said: string): string {
  if (reason === "stale info") return "The remote's ref changed meanwhile. The next update looks again.";
  const words = said === "" ? "" : ` The remote says: ${said}`;
  return `The remote refused it: ${reason === "" ? summary : reason}.${words}`;
}

function chunk(changes: readonly RefChange[]): (readonly RefChange[])[] {
  const chunks: (readonly RefChange[])[] = [];
  for (let at = 0; at < changes.length; at += MAX_REFS) chunks.push(changes.slice(at, at + MAX_REFS));
  return chunks;
}
