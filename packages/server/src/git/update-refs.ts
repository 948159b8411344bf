import { HeliostatError } from "../domain/errors.ts";
import { nullOid, type Oid, objectFormatOf } from "../domain/oid.ts";
import { isBranch, isTag, type RefName } from "../domain/ref-name.ts";
import { rejectedResult, successResult } from "../domain/ref-result.ts";
import type { RefChange, RefResult } from "../domain/refs.ts";
import { classifyRejection, type Rejection, rejectionFor } from "../domain/rejection.ts";
import { classifyStderr, failureLines } from "./classify-stderr.ts";
import { type ConfigLine, WITHOUT_FSYNC_OF_REFS } from "./environment.ts";
import { readBranchesAndTags } from "./read-refs.ts";
import type { Git, GitCall } from "./run-git.ts";

/** After so many refused transactions the trouble is not of a few refs. Each costs a process of some 3 ms. */
const MAX_REFUSALS = 200;

/**
 * From so many changes on, refs are not brought to the disk one by one but packed afterwards, as one file. Measured on a
 * busy disk: 10,000 new refs took 0.8 to 8 s unsynced, 14 to 30 s synced one by one, and packing them 1 s.
 */
const PACK_FROM = 100;

/** The message of a result that met another's lock. */
export const REF_IS_LOCKED = "The ref is locked by another process. The next update tries again.";

/**
 * Updates refs in one transaction of `git update-ref`, each against its old value. When git refuses it, the refs that
 * moved are set aside, and the rest is halved until the refused ones stand alone: one bad ref among 1,000 costs 20
 * short processes, and the other 999 are applied. What is answered as done is on the disk.
 */
export async function updateRefs(
  git: Git,
  path: string,
  changes: readonly RefChange[],
): Promise<Map<RefName, RefResult>> {
  const isLarge = changes.length >= PACK_FROM;
  const results = await updateAndTell(git, path, changes, isLarge ? [WITHOUT_FSYNC_OF_REFS] : []);
  // Whoever holds the lock that this meets is packing too.
  if (isLarge) await git.run({ gitDir: path, args: ["pack-refs", "--all", "--prune"], expect: [1, 128] });
  return results;
}

async function updateAndTell(
  git: Git,
  path: string,
  changes: readonly RefChange[],
  config: readonly ConfigLine[],
): Promise<Map<RefName, RefResult>> {
  const results = new Map<RefName, RefResult>();
  if (changes.length === 0) return results;
  const accept = (accepted: readonly RefChange[]): void => {
    for (const change of accepted) results.set(change.ref, successResult(change));
  };
  if ((await tryTransaction(git, path, changes, config)) === null) {
    accept(changes);
    return results;
  }

  const { refs } = await readBranchesAndTags(git, path);
  const stillOpen: RefChange[] = [];
  for (const change of changes) {
    const now = refs.get(change.ref) ?? null;
    // Refs outside branches and tags were not read; git itself judges them below.
    const wasRead = isBranch(change.ref) || isTag(change.ref);
    if (wasRead && now !== change.old)
      results.set(
        change.ref,
        rejectedResult(change, describeMove(change.old, now), rejectionFor("stale-lease")),
      );
    else stillOpen.push(change);
  }

  let refusals = 0;
  const queue: (readonly RefChange[])[] = [stillOpen];
  for (let group = queue.pop(); group !== undefined; group = queue.pop()) {
    if (group.length === 0) continue;
    const refusal = await tryTransaction(git, path, group, config);
    if (refusal === null) {
      accept(group);
      continue;
    }
    refusals += 1;
    if (group.length === 1 || refusals > MAX_REFUSALS) {
      for (const change of group) results.set(change.ref, rejectedResult(change, refusal.message, refusal));
    } else {
      const half = Math.ceil(group.length / 2);
      queue.push(group.slice(half), group.slice(0, half));
    }
  }
  return results;
}

interface Refusal extends Rejection {
  readonly message: string;
}

/** Null when all of it was applied, else why nothing was. */
async function tryTransaction(
  git: Git,
  path: string,
  changes: readonly RefChange[],
  config: readonly ConfigLine[],
): Promise<Refusal | null> {
  const call: GitCall = {
    gitDir: path,
    config,
    // `--no-deref`: a symbolic ref of that name is judged itself, not the ref that it points at.
    args: ["update-ref", "--no-deref", "--stdin", "-z"],
    input: changes.map(commandFor).join(""),
    expect: [1, 128],
  };
  const result = await git.run(call);
  if (result.exitCode === 0) return null;
  const known = classifyStderr(result.stderr);
  // Of no single ref: the same would be said of every other.
  if (known?.code === "disk-full") throw git.describe(call, result);
  return describeRefusal(result.stderr, path);
}

function commandFor(change: RefChange): string {
  const { ref, old, new: oid } = change;
  if (oid === null && old !== null) return `delete ${ref}\0${old}\0`;
  if (oid !== null) return `update ${ref}\0${oid}\0${old ?? nullOid(objectFormatOf(oid))}\0`;
  throw new HeliostatError("bug", `a change of ${ref} from nothing to nothing`);
}

function describeMove(old: Oid | null, now: Oid | null): string {
  const is = now === null ? "it is gone" : `it is at ${now.slice(0, 12)}`;
  const was = old === null ? "absent" : `at ${old.slice(0, 12)}`;
  return `The ref changed meanwhile: ${is}, and was ${was}. The next update looks again.`;
}

/** In words for people who do not know where the repository lies on the server's disk. */
function describeRefusal(stderr: string, path: string): Refusal {
  if (/\.lock': File exists/.test(stderr)) {
    return { message: REF_IS_LOCKED, ...rejectionFor("stale-lease") };
  }
  if (/exists; cannot create/.test(stderr)) {
    const message = "Another ref's name is in its way: one is a directory of the other.";
    return { message, ...rejectionFor("name-conflict") };
  }
  if (/nonexistent object|non-commit object|missing object/.test(stderr)) {
    const message = "Its object is missing here, or is none that a branch can point at.";
    return { message, ...rejectionFor("corrupt-object") };
  }
  const message = failureLines(stderr).replaceAll(`${path}/`, "").replaceAll(path, "");
  return { message, ...classifyRejection(message, []) };
}
