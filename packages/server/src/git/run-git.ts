import type { Duplex, Readable } from "node:stream";
import type { Log } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { joinRemoteWords, remoteSays } from "../domain/push-verdict.ts";
import { redact } from "../domain/redact.ts";
import {
  type Exit,
  type ProcessLimits,
  type RunningProcess,
  type RunResult,
  run,
  type StartOptions,
  start,
} from "../exec/run.ts";
import { classifyStderr, failureLines, remoteWords } from "./classify-stderr.ts";
import { type ConfigLine, makeEnvironment, type Protocol } from "./environment.ts";

export interface GitCall {
  /** The subcommand and its arguments. Options first, then `--`, then whatever came from outside. */
  readonly args: readonly string[];
  /** The repository; git looks for none when it is left out. */
  readonly gitDir?: string;
  readonly cwd?: string;
  /** Protocols that this call may speak; none unless told. */
  readonly protocols?: readonly Protocol[];
  readonly config?: readonly ConfigLine[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer | Readable;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number | (() => number);
  /** Work that nobody waits for. */
  readonly isBackground?: boolean;
  readonly limits?: ProcessLimits;
  readonly maxOutput?: number;
  readonly onStderrLine?: (line: string) => void;
  readonly fd3Input?: Buffer;
  readonly fd3MaxOutput?: number;
  /** Opens what git speaks to as `fd::3`. It has failed with an error of ours when it fails. */
  readonly converse?: (signal: AbortSignal) => Promise<Duplex>;
  /** What must not appear in any message. */
  readonly secrets?: readonly string[];
  /** Exit codes other than 0 that the caller handles itself. */
  readonly expect?: readonly number[];
}

/** The way to git. Verbs take one as their first argument. */
export interface Git {
  /** Runs git to its end; every failure that is not in `expect` is thrown, classified and without secrets. */
  run(call: GitCall): Promise<RunResult>;
  /** Starts git with its standard input and output left to the caller; `check` judges the exit. */
  start(call: GitCall): RunningProcess & { readonly check: (exit: Exit) => void };
  /** The error that an exit amounts to, for callers that expect it and then find that they cannot handle it. */
  describe(call: GitCall, exit: Exit): HeliostatError;
}

/** The one way in which this server runs git: six rules, all kept here and in `environment.ts`. */
export function createGit(options: { readonly log: Log; readonly searchPath?: string }): Git {
  const prepare = (call: GitCall): StartOptions => ({
    command: "git",
    args: call.gitDir === undefined ? call.args : [`--git-dir=${call.gitDir}`, ...call.args],
    env: makeEnvironment({
      ...(options.searchPath === undefined ? {} : { searchPath: options.searchPath }),
      ...(call.protocols ? { protocols: call.protocols } : {}),
      ...(call.config ? { config: call.config } : {}),
      ...(call.env ? { extra: call.env } : {}),
    }),
    ...pick(call, [
      "cwd",
      "signal",
      "timeoutMs",
      "idleTimeoutMs",
      "isBackground",
      "limits",
      "onStderrLine",
      "fd3Input",
      "fd3MaxOutput",
    ]),
  });
  const check = (call: GitCall, exit: Exit): void => {
    const isExpected = exit.exitCode === 0 || (call.expect ?? []).includes(exit.exitCode ?? -1);
    if (exit.reason === null && isExpected) return;
    const error = describeFailure(call, exit);
    if (error.code === "git-failed") {
      const stderr = redact(exit.stderr, call.secrets ?? []).slice(-2_000);
      options.log.warn(
        { command: call.args[0], exitCode: exit.exitCode, signal: exit.signalName, stderr },
        "git failed",
      );
    }
    throw error;
  };
  return {
    async run(call) {
      const signal = call.signal ?? new AbortController().signal;
      const fd3Stream = await call.converse?.(signal);
      const result = await run({
        ...prepare(call),
        ...pick(call, ["input", "maxOutput"]),
        ...(fd3Stream ? { fd3Stream } : {}),
      });
      check(call, result);
      return result;
    },
    start(call) {
      return { ...start(prepare(call)), check: (exit) => check(call, exit) };
    },
    describe: describeFailure,
  };
}

/** Why this call failed, as an error to throw: never with a secret in it. */
function describeFailure(call: GitCall, exit: Exit): HeliostatError {
  const what = `git ${call.args[0] ?? ""}`.trim();
  const isRemote = (call.protocols ?? []).length > 0;
  const said = redact(exit.stderr, call.secrets ?? []);
  switch (exit.reason) {
    case "aborted":
      return new HeliostatError("cancelled", `${what} was stopped.`);
    case "timed-out":
      return new HeliostatError("timed-out", `${what} took too long and was stopped.`);
    case "no-progress":
      return isRemote
        ? new HeliostatError("remote-timeout", "The remote did not answer in time. It is tried again later.")
        : new HeliostatError("timed-out", `${what} made no progress and was stopped.`);
    case "output-too-large":
      return new HeliostatError(
        "output-too-large",
        `${what} answered more than this server is ready to read.`,
      );
    case "spawn-failed":
      return exit.stderr.includes("ENOENT")
        ? new HeliostatError("git-missing", "There is no git on this server. Install git 2.39 or newer.")
        : new HeliostatError("git-failed", `${what} could not be started: ${said}`);
    case null:
      break;
    default:
      exit.reason satisfies never;
  }
  const known = classifyStderr(said);
  // Git knows only that the conversation broke off; who carried it knows why.
  if (exit.fd3Error instanceof HeliostatError && (known === null || known.code === "remote-closed")) {
    return exit.fd3Error;
  }
  const tail = remoteSays(joinRemoteWords(remoteWords(said)));
  if (known)
    return new HeliostatError(known.code, `${known.message}${tail}`, {
      cause: new Error(failureLines(said)),
    });
  const how = exit.signalName === null ? `exit code ${exit.exitCode}` : exit.signalName;
  return new HeliostatError(
    "git-failed",
    `${what} failed (${how}): ${failureLines(said) || "it says nothing"}${tail}`,
  );
}

/** The given properties of an object that are there: `exactOptionalPropertyTypes` wants absent ones absent. */
function pick<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
  return picked as Pick<T, K>;
}
