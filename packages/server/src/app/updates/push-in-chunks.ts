import { asHeliostatError, type HeliostatError } from "../../domain/errors.ts";
import type { RefName } from "../../domain/ref-name.ts";
import { rejectedResult } from "../../domain/ref-result.ts";
import type { RefChange, RefResult } from "../../domain/refs.ts";
import { rejectionFor } from "../../domain/rejection.ts";
import { maxRefsIn, namedRefs } from "../../domain/remote-words.ts";
import type { PushGroup } from "../ports.ts";

/** Strict hosts answer pushes of many thousands of refs with an error; chunks of 500 pass. */
const MAX_REFS = 500;
/**
 * How many declined pushes a remote is good for: enough to find three bad refs wherever they stand, and more with each
 * push of which something arrived. A remote that declines everything is soon left alone.
 */
const DECLINES = 40;
const DECLINES_FOR_SUCCESS = 4;
/**
 * Into how many parts a declined push is split; all but one of them are tested at the same time, so that one bad ref
 * among 500 is found in four rounds. Measured against git on one machine, two, three, five and eight parts take the
 * same time, within its noise; a distant host is waited for once a round.
 */
const PARTS = 5;

export interface PushOutcome {
  /** One a change, in their order. */
  readonly results: readonly RefResult[];
  /** What ended the pushing early: then some refs are `rejected` as `broken-off`. Null: it came to its end. */
  readonly brokenOffBy: HeliostatError | null;
}

type Group = readonly RefChange[];

/** What was declined as a whole, and the server's words on it. */
interface Suspicion {
  readonly group: Group;
  readonly said: readonly string[];
}

/**
 * Pushes all changes by groups. Servers decline a whole push because of one ref: then refs that the server's words
 * name are pushed apart from the others; without a name the culprit is looked for in parts. What passes a test has
 * arrived, what the tests clear is pushed with the next groups, at the same time as the search goes on. So one bad ref
 * among 1,000 costs some twenty small pushes, most of them at the same time, and the other 999 arrive. Words and
 * deductions say only what to push next: what a ref's result says is always the remote's verdict on a push of that ref.
 *
 * A push that cannot be packed, because objects here are damaged, is searched like one that was declined.
 *
 * Throws when the remote cannot be spoken to at all. When that happens after some refs were pushed, it answers: those
 * have their outcome, the others are `rejected` with the reason. So it is when the push is stopped by our own wish.
 */
export async function pushInChunks(changes: Group, pushGroup: PushGroup): Promise<PushOutcome> {
  const results = new Map<RefName, RefResult>();
  /** Of refs that were declined with their whole push, and never otherwise. */
  const declined = new Map<RefName, RefResult>();
  const inDoubt = new Set<RefName>();
  /** What nobody suspects, in order; then what tests have cleared; and what was declined, where the culprit is. */
  let queue: Group[] = [changes];
  let cleared: RefChange[] = [];
  const suspected: Suspicion[] = [];
  let maxRefs = MAX_REFS;
  let declinesLeft = DECLINES;
  let pushes = 0;
  let failure: HeliostatError | null = null;
  let bell = Promise.withResolvers<void>();

  /** One push. Settles what it can; answers what was declined as a whole. Never rejects: see `failure`. */
  async function push(group: Group): Promise<Suspicion> {
    pushes += 1;
    const ofWhole: RefChange[] = [];
    let said: readonly string[] = [];
    let isOfUse = false;
    try {
      const verdicts = await pushGroup(group);
      for (const [index, change] of group.entries()) {
        const verdict = verdicts[index];
        if (verdict === undefined) continue;
        if (verdict.result.outcome !== "rejected") isOfUse = true;
        if (verdict.isOfWholePush) {
          ofWhole.push(change);
          said = verdict.said;
        }
        // Alone in its push, a ref is what the refusal is about.
        const isSettled = !verdict.isOfWholePush || group.length === 1;
        (isSettled ? results : declined).set(change.ref, verdict.result);
      }
    } catch (thrown) {
      const error = asHeliostatError(thrown);
      if (error.code === "repository-corrupt") {
        // Nobody declined it, and yet it is the same: one of these refs is in the way of the others.
        ofWhole.push(...group);
        const isAlone = group.length === 1;
        for (const change of group)
          (isAlone ? results : declined).set(change.ref, unpackable(change, error, isAlone));
      } else {
        failure ??= error;
        for (const change of group) inDoubt.add(change.ref);
      }
    }
    if (isOfUse) declinesLeft += DECLINES_FOR_SUCCESS;
    if (ofWhole.length > 0) declinesLeft -= 1;
    return { group: ofWhole, said };
  }

  function clear(group: Group): void {
    cleared.push(...group);
    bell.resolve();
  }

  /** What to push next without a suspicion; null: nothing. */
  function next(): Group | null {
    const [first, ...rest] = queue;
    if (first !== undefined && first.length > 0) {
      queue = first.length > maxRefs ? [first.slice(maxRefs), ...rest] : rest;
      return first.slice(0, maxRefs);
    }
    const group = cleared.slice(0, maxRefs);
    cleared = cleared.slice(maxRefs);
    return group.length > 0 ? group : null;
  }

  /** Pushes a group that nobody suspects, and has it searched when it is declined. */
  async function pushUnsuspected(group: Group): Promise<void> {
    const { group: left, said } = await push(group);
    if (left.length < 2) return;
    const limit = maxRefsIn(said);
    if (limit !== null && limit < group.length) {
      maxRefs = Math.min(maxRefs, limit);
      queue.unshift(left);
    } else {
      suspected.push({ group: left, said });
    }
  }

  /** Looks for what makes the remote decline a group; others go on being pushed meanwhile. */
  async function search(group: Group, words: readonly string[]): Promise<void> {
    let suspects = group;
    let said = words;
    let wasDeclined = true;
    let passed = 0;
    while (suspects.length > 1 && declinesLeft > 0) {
      const apart = wasDeclined ? splitByName(suspects, said) : null;
      if (apart !== null) {
        clear(apart.others);
        await pushUnsuspected(apart.named);
        return;
      }
      const parts = split(suspects);
      // When all others pass, the last part is it: that need not be tested, unless it could be the end.
      const untested = suspects.length > PARTS ? parts.pop() : undefined;
      const outcomes = await Promise.all(parts.map(push));
      if (failure !== null) return;
      const [first, ...others] = outcomes.filter((outcome) => outcome.group.length > 0);
      for (const [index, part] of parts.entries()) {
        if (outcomes[index]?.group.length === 0) passed = Math.max(passed, part.length);
      }
      suspected.push(...others.filter((other) => other.group.length > 1));
      if (first !== undefined && untested !== undefined) clear(untested);
      suspects = first?.group ?? untested ?? [];
      said = first?.said ?? [];
      wasDeclined = first !== undefined;
    }
    if (wasDeclined) return;
    if (suspects.length > 1) {
      clear(suspects);
      return;
    }
    // Found by deduction only.
    const last = suspects.length === 1 ? await push(suspects) : null;
    const isRefuted = failure === null && (last === null || last.group.length === 0);
    // So it was no ref's fault: the remote takes no pushes of the size that it declined.
    if (isRefuted) maxRefs = Math.max(1, passed);
  }

  async function pushAll(): Promise<void> {
    let searching: Promise<void> | null = null;
    while (failure === null) {
      const found: Suspicion | undefined =
        searching === null && declinesLeft > 0 ? suspected.shift() : undefined;
      if (found !== undefined && found.group.length > maxRefs) {
        queue.push(found.group);
      } else if (found !== undefined) {
        searching = search(found.group, found.said).then(() => {
          searching = null;
        });
      }
      const group = next();
      if (group !== null) await pushUnsuspected(group);
      else if (searching !== null) await Promise.race([searching, bell.promise]);
      else if (suspected.length === 0 || declinesLeft <= 0) break;
      bell = Promise.withResolvers();
    }
    await searching;
  }

  await pushAll();
  const inTheWay = changes.filter(({ ref }) => results.get(ref)?.reason === "name-conflict");
  const hasMadeRoom = [...results.values()].some(({ outcome }) => outcome === "deleted");
  if (failure === null && inTheWay.length > 0 && hasMadeRoom && pushes > 1) {
    // A search does not keep the order in which the plan makes room.
    queue = [inTheWay];
    await pushAll();
  }
  const error = failure as HeliostatError | null;
  if (error !== null && results.size === 0) throw error;
  return {
    results: changes.map(
      (change) =>
        results.get(change.ref) ??
        (error === null ? declined.get(change.ref) : brokenOff(change, error, inDoubt.has(change.ref))) ??
        rejectedResult(change, "The remote said nothing about it.", rejectionFor("other")),
    ),
    brokenOffBy: error,
  };
}

/** The result of a change that was not pushed to its end; `isInDoubt`: it was sent, and nothing is known of it. */
export function brokenOff(change: RefChange, error: HeliostatError, isInDoubt: boolean): RefResult {
  const isStopped = error.code === "cancelled";
  const message = isInDoubt
    ? isStopped
      ? "The update was stopped while this ref was pushed, which may or may not have changed it."
      : `The push broke off and may or may not have changed it: ${error.message}`
    : isStopped
      ? "Not pushed, because the update was stopped."
      : `Not pushed, because the push before it broke off: ${error.message}`;
  return rejectedResult(change, message, rejectionFor("broken-off"));
}

function unpackable(change: RefChange, error: HeliostatError, isAlone: boolean): RefResult {
  const message = isAlone
    ? `Not pushed, because an object that it leads to cannot be read here: ${error.message}`
    : `Not pushed, because too many refs lead to objects that cannot be read here to try each: ${error.message}`;
  return rejectedResult(change, message, {
    reason: "corrupt-object",
    fix: "Run `git fsck` on the project's repository on this server, and push the ref to it again from a copy that is whole.",
  });
}

/** In parts of one size, or nearly. */
function split(group: Group): Group[] {
  const size = Math.ceil(group.length / PARTS);
  const parts: Group[] = [];
  for (let at = 0; at < group.length; at += size) parts.push(group.slice(at, at + size));
  return parts;
}

/** Those that the remote's words name, and the others; null when the words are no help. */
function splitByName(
  group: Group,
  said: readonly string[],
): { readonly named: Group; readonly others: Group } | null {
  const names = new Set(
    namedRefs(
      group.map(({ ref }) => ref),
      said,
    ),
  );
  if (names.size === 0 || names.size > group.length / 2) return null;
  return {
    named: group.filter(({ ref }) => names.has(ref)),
    others: group.filter(({ ref }) => !names.has(ref)),
  };
}
