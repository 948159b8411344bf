import { access, constants } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { GitExchange } from "../app/git-exchange.ts";
import type { PushExchange, PushedRef, PushPlan, ReceivedPush } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { formatBytes } from "../domain/format-bytes.ts";
import { parseOid } from "../domain/oid.ts";
import {
  fileTooLarge,
  pushTooLarge,
  REFUSALS,
  REFUSED_WITH_OTHERS,
  type RefRefusal,
  refusalLines,
} from "../domain/push-refusal.ts";
import { parseRefName } from "../domain/ref-name.ts";
import { connectInput } from "./connect-input.ts";
import type { ConfigLine } from "./environment.ts";
import { fsckConfig } from "./fsck-config.ts";
import { type CommandList, readCommands } from "./read-commands.ts";
import { isLossy } from "./read-refs.ts";
import type { ReceiveBounds } from "./receive-bounds.ts";
import { relayReport } from "./relay-report.ts";
import { DEFAULT_PATIENCE } from "./remote-call.ts";
import type { Git } from "./run-git.ts";

const HOOKS = fileURLToPath(new URL("hooks", import.meta.url));
/** What the hooks tell of one push, one line a ref. */
const MAX_TOLD_BYTES = 64 * 1024 * 1024;

/** A git whose input has ended early needs moments to notice and to tidy up. */
const CUT_GRACE_MS = 10_000;

/**
 * How far a push may go over its limit and still be received: it is told in our words then. One that goes further is
 * ended by git, in git's words, with no more than this received in vain.
 */
const SPOKEN_BYTES = 64 * 1024 * 1024;

/** A client that has asked for a place and does not say what for gives it up. A list of the longest takes a minute. */
const COMMANDS_WITHIN_MS = 120_000;

/** Who may force or delete what is decided before git is asked. */
export const RECEIVE_CONFIG: readonly ConfigLine[] = [
  ["receive.denyDeletes", "false"],
  ["receive.denyNonFastForwards", "false"],
  ["receive.denyDeleteCurrent", "ignore"],
  ["receive.advertisePushOptions", "true"],
  // Ours alone, shipped with the server: the repository's own hooks are never run.
  ["core.hooksPath", HOOKS],
];

/**
 * One stateless exchange with a client that pushes; ends `output`. The commands are read first, and `decide` is asked
 * about them. A push that is refused goes through git all the same, whose hook declines it: only git knows where a pack
 * ends, and a client that is still sending must be listened to. Git's report then gets the reasons of our rules. A client
 * that goes away ends git, except for a push that has arrived in full: that one is carried out, so that what it changes
 * is known.
 */
export async function receivePack(
  { git, bounds }: { readonly git: Git; readonly bounds: ReceiveBounds },
  path: string,
  exchange: PushExchange,
  input: Readable,
  output: Writable,
): Promise<ReceivedPush> {
  await requireHooks();
  // What is refused before git reads it is read and dropped, so that the client comes to read the answer.
  const dropRest = (error: unknown): never => {
    input.resume();
    throw error;
  };
  const list = await readCommands(
    input,
    AbortSignal.any([exchange.signal, AbortSignal.timeout(COMMANDS_WITHIN_MS)]),
  ).catch(dropRest);
  if (list.commands.length === 0) {
    // The probe in front of a large push, or a push of nothing: git would not answer either.
    input.resume();
    output.end();
    return { pushed: [], refusals: [] };
  }
  const plan = await exchange.decide(list).catch(dropRest);
  const running = git.start({
    args: ["receive-pack", "--stateless-rpc", path],
    config: [...RECEIVE_CONFIG, ...admissionConfig(plan)],
    env: { ...protocolEnv(exchange), ...hookEnv(plan) },
    idleTimeoutMs: DEFAULT_PATIENCE.silenceSeconds * 1000,
    fd3MaxOutput: MAX_TOLD_BYTES,
    ...(asksForFastForwards(plan) ? { fd3Input: listFastForwards(plan) } : {}),
    limits: { memoryBytes: bounds.memoryBytes },
  });
  const { stdin, stdout } = running;
  const relay = relayReport(stdout, output, list.hasSideBand);
  // Of the objects of a push without any there is no end to wait for.
  const bringsObjects = list.commands.some((command) => command.new !== null);
  let isTooLarge = false;
  let cutTimer: NodeJS.Timeout | null = null;

  const cut = (): void => {
    // Git refuses a pack that breaks off by itself, and takes away what it had received of it; told by a signal it
    // leaves that behind, for its children still write while it deletes.
    input.unpipe(stdin);
    stdin.end();
  };
  const onClientGone = (): void => {
    // It has the whole answer: git is only clearing up, or running our hook.
    if (output.writableEnded) return;
    relay.detach();
    if (!bringsObjects || input.readableEnded || cutTimer) return;
    cut();
    cutTimer = setTimeout(() => running.stop("aborted"), CUT_GRACE_MS);
  };
  exchange.signal.addEventListener("abort", onClientGone, { once: true });
  output.once("close", onClientGone);
  output.on("error", onClientGone);
  countBytes(input, plan.maxPushBytes, () => {
    isTooLarge = true;
    cut();
    input.resume();
  });
  running.stdin.write(list.raw);
  connectInput(input, running, onClientGone);
  if (exchange.signal.aborted) onClientGone();

  const [exit] = await Promise.all([running.exited, relay.ended]);
  exchange.signal.removeEventListener("abort", onClientGone);
  if (cutTimer) clearTimeout(cutTimer);
  const told = readTold(exit.fd3);
  // Of an answer that was cut off the client must not believe that it is whole.
  if (exit.reason !== null) output.destroy();
  // Whatever git makes of a broken pack, by its exit code too: nothing changed.
  if (cutTimer && told.pushed.length === 0) throw new HeliostatError("cancelled", "The client went away.");
  running.check(exit);

  const refusals = [...plan.refusals, ...refusalsOf(list, plan, told, isTooLarge)];
  if (!output.destroyed && !output.writableEnded) {
    const reasons = new Map(refusals.map(({ ref, reason }) => [ref, reason]));
    output.end(
      relay.finish({
        lines: [...plan.notes, ...refusalLines(refusals)],
        reasonOf: (ref, reason) =>
          reasons.get(ref) ??
          (reason === "pre-receive hook declined" ? (told.reason ?? REFUSED_WITH_OTHERS) : null),
      }),
    );
    await finished(output, { readable: false }).catch(() => {});
  }
  return { pushed: told.pushed, refusals };
}

/** Calls `onTooMany` once, when more bytes than this have come. */
function countBytes(input: Readable, most: number | null, onTooMany: () => void): void {
  if (most === null) return;
  let received = 0;
  const onData = (chunk: Buffer): void => {
    received += chunk.length;
    if (received <= most) return;
    input.off("data", onData);
    onTooMany();
  };
  input.on("data", onData);
}

/** What a client said about the version of the protocol, for git. */
export function protocolEnv({ protocol }: GitExchange): Record<string, string> {
  return protocol === null ? {} : { GIT_PROTOCOL: protocol };
}

function admissionConfig({ admission }: PushPlan): readonly ConfigLine[] {
  if (admission === undefined) return [];
  const { room, limits } = admission;
  return [
    ...(room === null ? [] : [["receive.maxInputSize", String(room + SPOKEN_BYTES)] as const]),
    ...fsckConfig("receive", limits.fsck),
  ];
}

/** For our pre-receive hook: it sees the push as a whole before any ref changes. */
function hookEnv(plan: PushPlan): Record<string, string> {
  if (plan.refusals.length > 0) return { HELIOSTAT_REFUSED: "1" };
  const { admission, maxFileBytes } = plan;
  return {
    ...(asksForFastForwards(plan) ? { HELIOSTAT_FAST_FORWARDS: "1" } : {}),
    ...(maxFileBytes === null ? {} : { HELIOSTAT_MAX_FILE_BYTES: String(maxFileBytes) }),
    ...(admission === undefined ? {} : { HELIOSTAT_MAX_REFS: String(admission.limits.refs) }),
    ...(admission === undefined || admission.room === null
      ? {}
      : {
          HELIOSTAT_ROOM_KIB: String(Math.ceil(admission.room / 1024)),
          HELIOSTAT_SIZE_LIMIT: formatBytes(admission.limits.repositoryBytes ?? 0),
        }),
  };
}

function asksForFastForwards({ refusals, fastForwardOnly }: PushPlan): boolean {
  return refusals.length === 0 && fastForwardOnly.length > 0;
}

/** Over a descriptor, not by the environment: there may be thousands. */
function listFastForwards({ fastForwardOnly }: PushPlan): Buffer {
  const lines = fastForwardOnly.map(({ ref, old, new: oid }) => `${old} ${oid} ${ref}\n`);
  return Buffer.from(`${lines.join("")}end\n`);
}

/** Git passes over a hook that is not executable: no mirror would hear of any push again, and no rule would hold. */
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

/** What the hooks have said. */
interface Told {
  readonly pushed: readonly PushedRef[];
  readonly forced: readonly string[];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** Why the whole push was declined, where the hook itself has told the pusher more. */
  readonly reason: string | null;
}

/** `<old> <new> <ref>` of what changed, with the null oid for what was or is not there; `force`, `file`, `refused`. */
function readTold(lines: Buffer): Told {
  const pushed: PushedRef[] = [];
  const forced: string[] = [];
  const files: { path: string; bytes: number }[] = [];
  let reason: string | null = null;
  for (const line of lines.toString().split("\n")) {
    if (line.startsWith("force ")) forced.push(line.slice(6));
    else if (line.startsWith("refused ")) reason = line.slice(8);
    else if (line.startsWith("file ")) {
      const [, bytes, path = ""] = /^file (\d+) (.*)$/.exec(line) ?? [];
      files.push({ path, bytes: Number(bytes) });
    } else {
      const [, old, oid, ref] = /^([0-9a-f]+) ([0-9a-f]+) (.+)$/.exec(line) ?? [];
      if (old === undefined || oid === undefined || ref === undefined || isLossy(ref)) continue;
      pushed.push({
        ref: parseRefName(ref),
        old: isNull(old) ? null : parseOid(old),
        new: isNull(oid) ? null : parseOid(oid),
      });
    }
  }
  return { pushed, forced, files, reason };
}

/** What only the objects have shown. */
function refusalsOf(
  { commands }: CommandList,
  { maxFileBytes, maxPushBytes }: PushPlan,
  { forced, files }: Told,
  isTooLarge: boolean,
): readonly RefRefusal[] {
  const ofAll = (refusal: Omit<RefRefusal, "ref">): readonly RefRefusal[] =>
    commands.filter((command) => command.new !== null).map(({ ref }) => ({ ref, ...refusal }));
  if (isTooLarge) return ofAll(pushTooLarge(maxPushBytes ?? 0));
  if (forced.length > 0) return forced.map((ref) => ({ ref, ...REFUSALS.forceProtected }));
  return files.length === 0 ? [] : ofAll(fileTooLarge(maxFileBytes ?? 0, files));
}

function isNull(oid: string): boolean {
  return /^0+$/.test(oid);
}
