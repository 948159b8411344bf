import { access, constants } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { GitExchange, GitService } from "../app/git-exchange.ts";
import type { PushedRef } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { formatBytes } from "../domain/format-bytes.ts";
import { parseOid } from "../domain/oid.ts";
import { parseRefName } from "../domain/ref-name.ts";
import type { RunningProcess } from "../exec/run.ts";
import type { ConfigLine } from "./environment.ts";
import { fsckConfig } from "./fsck-config.ts";
import { isLossy } from "./read-refs.ts";
import type { ReceiveBounds } from "./receive-bounds.ts";
import { DEFAULT_PATIENCE } from "./remote-call.ts";
import type { Git, GitCall } from "./run-git.ts";
import { watchCommands } from "./watch-commands.ts";

const HOOKS = fileURLToPath(new URL("hooks", import.meta.url));
/** The refs of one push, one line each. */
const MAX_UPDATES_BYTES = 64 * 1024 * 1024;
const MAX_ADVERTISEMENT_BYTES = 256 * 1024 * 1024;

/** A git whose input has ended early needs moments to notice and to tidy up. */
const CUT_GRACE_MS = 10_000;

/**
 * How far a push may go over its limit and still be received: it is told in our words then. One that goes further is
 * ended by git, in git's words, with no more than this received in vain.
 */
const SPOKEN_BYTES = 64 * 1024 * 1024;

/** How fetches are served, by whichever door. */
export const UPLOAD_CONFIG: readonly ConfigLine[] = [
  ["uploadpack.allowFilter", "true"],
  // What version 2 of the protocol allows in any case; build servers ask for a commit that was a tip a moment ago.
  ["uploadpack.allowReachableSHA1InWant", "true"],
];
/** Who may force or delete what is decided before git is asked. */
const RECEIVE_CONFIG: readonly ConfigLine[] = [
  ["receive.denyDeletes", "false"],
  ["receive.denyNonFastForwards", "false"],
  ["receive.denyDeleteCurrent", "ignore"],
  // Ours alone, shipped with the server: the repository's own hooks are never run.
  ["core.hooksPath", HOOKS],
];

/** The refs and capabilities that a client of this service is shown; refs of our own bookkeeping are not among them. */
export async function advertise(
  git: Git,
  path: string,
  service: GitService,
  exchange: GitExchange,
): Promise<Buffer> {
  const { stdout } = await git.run({
    ...callFor(service, exchange, ["--http-backend-info-refs", path]),
    signal: exchange.signal,
    maxOutput: MAX_ADVERTISEMENT_BYTES,
  });
  return stdout;
}

/**
 * One stateless exchange: hands the request to git and git's answer to the client as they come, at the pace of the
 * slower side, and ends `output`. Answers the refs that a push really changed: none for a fetch. A client that goes
 * away ends git, except for a push that has arrived in full: that one is carried out, so that what it changes is known.
 */
export async function servePack(
  { git, bounds }: { readonly git: Git; readonly bounds: ReceiveBounds },
  path: string,
  service: GitService,
  exchange: GitExchange,
  input: Readable,
  output: Writable,
): Promise<readonly PushedRef[]> {
  const isPush = service === "receive-pack";
  if (isPush) await requireHooks();
  const running = git.start({
    ...callFor(service, exchange, ["--stateless-rpc", path]),
    idleTimeoutMs: DEFAULT_PATIENCE.silenceSeconds * 1000,
    ...(isPush ? { fd3MaxOutput: MAX_UPDATES_BYTES, limits: { memoryBytes: bounds.memoryBytes } } : {}),
  });
  const { stdin, stdout } = running;
  const commands = isPush ? watchCommands(input) : null;

  let cutTimer: NodeJS.Timeout | null = null;
  const onClientGone = (): void => {
    // It has the whole answer: git is only clearing up, or running our hook.
    if (output.writableEnded) return;
    if (!isPush || !(input.readableEnded || commands?.isComplete())) {
      running.stop("aborted");
      return;
    }
    stdout.unpipe(output);
    stdout.resume();
    if (input.readableEnded || cutTimer) return;
    // The pack breaks off, so git refuses the push by itself, and takes away what it had received of it; told by a
    // signal it leaves that behind, for its children still write while it deletes.
    input.unpipe(stdin);
    stdin.end();
    cutTimer = setTimeout(() => running.stop("aborted"), CUT_GRACE_MS);
  };
  if (exchange.signal.aborted) onClientGone();
  exchange.signal.addEventListener("abort", onClientGone, { once: true });
  output.once("close", onClientGone);
  output.on("error", onClientGone);
  connectInput(input, running, onClientGone);
  stdout.pipe(output);

  const exit = await running.exited;
  exchange.signal.removeEventListener("abort", onClientGone);
  // Of an answer that was cut off the client must not believe that it is whole.
  if (exit.reason !== null) output.destroy();
  if (cutTimer) {
    clearTimeout(cutTimer);
    // Whatever git makes of a broken pack, by its exit code too: nothing changed.
    if (readUpdates(exit.fd3).length === 0) throw new HeliostatError("cancelled", "The client went away.");
  }
  running.check(exit);
  if (!output.destroyed) await finished(output, { readable: false }).catch(() => {});
  return readUpdates(exit.fd3);
}

/**
 * A request may be longer than git cares to read, when it refuses a push at its beginning: the rest is read and
 * dropped, so that the client comes to read the answer. For the same reason this is no `pipeline`, which would
 * destroy the request, and with it the connection.
 */
function connectInput(input: Readable, { stdin }: RunningProcess, onBroken: () => void): void {
  input.pipe(stdin);
  stdin.once("close", () => {
    input.unpipe(stdin);
    input.resume();
  });
  input.once("error", onBroken);
  input.once("close", () => {
    if (!input.readableEnded) onBroken();
  });
}

function callFor(service: GitService, exchange: GitExchange, args: readonly string[]): GitCall {
  const strict = service === "upload-pack" ? ["--strict"] : [];
  return {
    args: [service, ...strict, ...args],
    config: service === "upload-pack" ? UPLOAD_CONFIG : [...RECEIVE_CONFIG, ...admissionConfig(exchange)],
    env: {
      ...(exchange.protocol === null ? {} : { GIT_PROTOCOL: exchange.protocol }),
      ...(service === "upload-pack" ? {} : admissionEnv(exchange)),
    },
  };
}

function admissionConfig({ admission }: GitExchange): readonly ConfigLine[] {
  if (admission === undefined) return [];
  const { room, limits } = admission;
  return [
    ...(room === null ? [] : [["receive.maxInputSize", String(room + SPOKEN_BYTES)] as const]),
    ...fsckConfig("receive", limits.fsck),
  ];
}

/** For our pre-receive hook: it sees the push as a whole before any ref changes. */
function admissionEnv({ admission }: GitExchange): Record<string, string> {
  if (admission === undefined) return {};
  const { room, limits } = admission;
  return {
    HELIOSTAT_MAX_REFS: String(limits.refs),
    ...(room === null
      ? {}
      : {
          HELIOSTAT_ROOM_KIB: String(Math.ceil(room / 1024)),
          HELIOSTAT_SIZE_LIMIT: formatBytes(limits.repositoryBytes ?? 0),
        }),
  };
}

/** Git passes over a hook that is not executable: no mirror would hear of any push again, and no limit would hold. */
async function requireHooks(): Promise<void> {
  for (const hook of ["pre-receive", "post-receive"]) {
    await access(`${HOOKS}/${hook}`, constants.X_OK).catch((cause) => {
      throw new HeliostatError(
        "git-failed",
        `The server's ${hook} hook is not executable: install it anew.`,
        {
          cause,
        },
      );
    });
  }
}

/** `<old> <new> <ref>`, with the null oid for what was or is not there. */
function readUpdates(lines: Buffer): readonly PushedRef[] {
  const updates: PushedRef[] = [];
  for (const line of lines.toString().split("\n")) {
    const [, old, oid, ref] = /^([0-9a-f]+) ([0-9a-f]+) (.+)$/.exec(line) ?? [];
    if (old === undefined || oid === undefined || ref === undefined || isLossy(ref)) continue;
    updates.push({
      ref: parseRefName(ref),
      old: isNull(old) ? null : parseOid(old),
      new: isNull(oid) ? null : parseOid(oid),
    });
  }
  return updates;
}

function isNull(oid: string): boolean {
  return /^0+$/.test(oid);
}
