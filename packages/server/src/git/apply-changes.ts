import { HeliostatError } from "../domain/errors.ts";
import type { Oid } from "../domain/oid.ts";
import { isBranch, isTag, type RefName } from "../domain/ref-name.ts";
import { rejectedResult, successResult } from "../domain/ref-result.ts";
import type { RefChange, RefResult } from "../domain/refs.ts";
import { rejectionFor } from "../domain/rejection.ts";
import { checkObjects } from "./check-objects.ts";
import { findNameConflicts } from "./name-conflicts.ts";
import { readBranchesAndTags } from "./read-refs.ts";
import { hasNoLooseRefs } from "./ref-files.ts";
import type { Git } from "./run-git.ts";
import { updateRefs } from "./update-refs.ts";
import { type PackedRef, writePackedRefs } from "./write-packed-refs.ts";

/** From this number on, a repository's first refs are written as one file. Below, a transaction is as quick. */
const PACK_FROM = 100;

/**
 * Applies all changes, each against the value that its plan saw, and answers one result for each, in their order. A
 * ref that moved meanwhile or is locked is `rejected` with the reason; the others are applied. `disk-full` and other
 * failures that are of no single ref are thrown; then some changes may have been applied, and the next plan sees them.
 * `areChecked`: git has just looked at all the objects, and tags carry what they peel to.
 */
export async function applyChanges(
  git: Git,
  path: string,
  changes: readonly RefChange[],
  { areChecked } = { areChecked: false },
): Promise<readonly RefResult[]> {
  const byRef = new Map(changes.map((change) => [change.ref, change]));
  if (byRef.size !== changes.length) throw new HeliostatError("bug", "two changes for one ref");

  const results =
    (await createFirstRefs(git, path, changes, areChecked)) ?? (await updateInOrder(git, path, changes));
  return changes.map(
    (change) => results.get(change.ref) ?? rejectedResult(change, "It was not tried.", rejectionFor("other")),
  );
}

/** Git refuses a transaction that deletes `a` and creates `a/b`: deletes that make room have one of their own, before. */
async function updateInOrder(
  git: Git,
  path: string,
  changes: readonly RefChange[],
): Promise<Map<RefName, RefResult>> {
  const refsOf = (action: RefChange["action"]): RefName[] =>
    changes.filter((change) => change.action === action).map((change) => change.ref);
  const inTheWay = findNameConflicts(refsOf("delete"), refsOf("create"));
  const first = await updateRefs(
    git,
    path,
    changes.filter((change) => inTheWay.has(change.ref)),
  );
  const then = await updateRefs(
    git,
    path,
    changes.filter((change) => !inTheWay.has(change.ref)),
  );
  return new Map([...first, ...then]);
}

/** The quick way for a repository that has no refs; null when this is not the case, and nothing was done. */
async function createFirstRefs(
  git: Git,
  path: string,
  changes: readonly RefChange[],
  areChecked: boolean,
): Promise<Map<RefName, RefResult> | null> {
  const names = changes.map((change) => change.ref);
  if (changes.length < PACK_FROM || !changes.every(isCreate) || findNameConflicts(names, names).size > 0)
    return null;

  const packed = areChecked
    ? changes.map((change) => ({ ref: change.ref, oid: change.new, peeled: change.peeled ?? null }))
    : await findPackable(git, path, changes);
  const written = await writePackedRefs(path, packed);
  if (!written) return null;
  return tellWhatIs(git, path, changes, new Set(packed.map(({ ref }) => ref)));
}

/** What `git update-ref` would check for us: the object is there, and a branch points at a commit. */
async function findPackable(git: Git, path: string, changes: readonly Create[]): Promise<PackedRef[]> {
  const oids = changes.map((change) => change.new);
  const objects = await checkObjects(git, path, oids);
  const fit = changes.filter((change) => {
    const type = objects.get(change.new)?.type;
    return type !== undefined && (type === "commit" || !isBranch(change.ref));
  });
  const isTagObject = (change: Create): boolean => objects.get(change.new)?.type === "tag";
  const unpeeled = fit.filter((change) => isTagObject(change) && change.peeled === undefined);
  const unpeeledOids = unpeeled.map((change) => change.new);
  const peeled = await checkObjects(git, path, unpeeledOids, "^{}");
  return fit.map((change) => ({
    ref: change.ref,
    oid: change.new,
    peeled: isTagObject(change) ? (change.peeled ?? peeled.get(change.new)?.oid ?? null) : null,
  }));
}

/** Says what each ref is now: a push may have created one while the file was written. Then it stands loose above it. */
export async function tellWhatIs(
  git: Git,
  path: string,
  changes: readonly RefChange[],
  written: ReadonlySet<RefName>,
): Promise<Map<RefName, RefResult>> {
  if (written.size === changes.length && (await hasNoLooseRefs(path))) {
    return new Map(changes.map((change) => [change.ref, successResult(change)]));
  }
  const { refs } = await readBranchesAndTags(git, path);
  const inTheWay = findNameConflicts(written, refs.keys());
  // `a` was packed while a push created `a/b`. The push was first in the eyes of its client: ours goes.
  await updateRefs(
    git,
    path,
    changes.flatMap(({ ref, new: oid }) => (oid !== null && inTheWay.has(ref) ? [deletion(ref, oid)] : [])),
  );
  return new Map(
    changes.map((change) => {
      if (!written.has(change.ref)) {
        return [
          change.ref,
          rejectedResult(
            change,
            "Its object is missing here, or is none that a branch can point at.",
            rejectionFor("corrupt-object"),
          ),
        ];
      }
      if (inTheWay.has(change.ref))
        return [
          change.ref,
          rejectedResult(change, "Another ref's name is in its way.", rejectionFor("name-conflict")),
        ];
      const isOurs = refs.get(change.ref) === change.new;
      return [
        change.ref,
        isOurs
          ? successResult(change)
          : rejectedResult(change, "It was created meanwhile.", rejectionFor("stale-lease")),
      ];
    }),
  );
}

type Create = RefChange & { readonly action: "create"; readonly old: null; readonly new: Oid };

function isCreate(change: RefChange): change is Create {
  const isRead = isBranch(change.ref) || isTag(change.ref);
  return isRead && change.action === "create" && change.old === null && change.new !== null;
}

function deletion(ref: RefName, old: Oid): RefChange {
  return { ref, action: "delete", old, new: null };
}
