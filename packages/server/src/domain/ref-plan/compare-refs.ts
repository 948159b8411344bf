import { HeliostatError } from "../errors.ts";
import type { ObjectFormat, Oid } from "../oid.ts";
import { carries, type RefFilter } from "../ref-filter.ts";
import { isBranch, isTag, type RefName } from "../ref-name.ts";
import type { AdvertisedRefs, LocalRefs } from "../refs.ts";
import { byRef, nameSome } from "./ref-plan.ts";

/** How the refs that a mirror carries differ between its source and its target. */
export interface Comparison {
  readonly missing: readonly MissingRef[];
  readonly differing: readonly DifferingRef[];
  readonly upToDate: readonly RefName[];
  readonly skipped: readonly RefName[];
  /** How many branches of the source the mirror carries. */
  readonly carriedBranches: number;
  readonly notes: readonly string[];
}

export interface MissingRef {
  readonly ref: RefName;
  readonly source: Oid;
}

export interface DifferingRef extends MissingRef {
  readonly target: Oid;
}

/**
 * Compares what the source has below heads and tags, as far as the mirror carries it, with the target. A ref that is
 * symbolic on either side is passed over: it is a name for another ref, not a value of its own.
 */
export function compareRefs(
  source: LocalRefs | AdvertisedRefs,
  target: LocalRefs | AdvertisedRefs,
  wants: RefFilter,
): Comparison {
  requireSameFormat(source, target);
  const symrefs = "symrefs" in target ? target.symrefs : NO_REFS;
  const broken = brokenOf(source);
  const missing: MissingRef[] = [];
  const differing: DifferingRef[] = [];
  const upToDate: RefName[] = [];
  const skipped: RefName[] = [];
  let branches = 0;
  let carriedBranches = 0;
  for (const [ref, value] of source.refs) {
    const oid = ownOid(value);
    if (oid === null || broken.has(ref)) continue;
    const isOfBranch = isBranch(ref);
    if (isOfBranch) branches += 1;
    else if (!isTag(ref)) continue;
    if (!(isOfBranch ? wants.branch(ref) : wants.tag(ref))) {
      skipped.push(ref);
      continue;
    }
    if (isOfBranch) carriedBranches += 1;

    const there = target.refs.get(ref);
    if (there === undefined) {
      if (!symrefs.has(ref)) missing.push({ ref, source: oid });
      continue;
    }
    const targetOid = ownOid(there);
    if (targetOid === oid) upToDate.push(ref);
    else if (targetOid !== null) differing.push({ ref, source: oid, target: targetOid });
  }
  const noBranch = branches > 0 && carriedBranches === 0;
  return {
    missing,
    differing,
    upToDate: upToDate.sort(),
    skipped: skipped.sort(),
    carriedBranches,
    notes: [
      ...(noBranch ? ["No branch matches the filter, so no branch is mirrored."] : []),
      ...notesOnUnusable(source.unusable ?? 0),
      ...notesOnBroken(broken.values().filter(carries(wants)).toArray()),
    ],
  };
}

function notesOnUnusable(count: number): string[] {
  if (count === 0) return [];
  const what = count === 1 ? "1 branch or tag is" : `${count} branches or tags are`;
  return [`${what} not mirrored: the name is not UTF-8, or it leads to no object.`];
}

function notesOnBroken(refs: readonly RefName[]): string[] {
  if (refs.length === 0) return [];
  return [
    `Neither mirrored nor deleted, because the source has lost their value: ${nameSome(refs.toSorted())}. Push them there again.`,
  ];
}

function brokenOf(side: LocalRefs | AdvertisedRefs): ReadonlySet<RefName> {
  return side.broken ?? NO_REFS;
}

const NO_REFS: ReadonlySet<RefName> = new Set();

export interface ExtraRef {
  readonly ref: RefName;
  readonly target: Oid;
}

/**
 * What only the target has, because the source no longer has it or never had: the refs that the mirror carries and that
 * stand for themselves. A symbolic ref of the source takes up its name, and so does a broken one: that it cannot be
 * read is damage, not a wish, and the target may have the last good copy.
 */
export function findExtraRefs(
  source: LocalRefs | AdvertisedRefs,
  target: LocalRefs | AdvertisedRefs,
  wants: RefFilter,
): readonly ExtraRef[] {
  const symrefs = "symrefs" in source ? source.symrefs : NO_REFS;
  const broken = brokenOf(source);
  const isCarried = carries(wants);
  const extra: ExtraRef[] = [];
  for (const [ref, value] of target.refs) {
    if (source.refs.has(ref) || symrefs.has(ref) || broken.has(ref)) continue;
    const oid = ownOid(value);
    if (oid !== null && isCarried(ref)) extra.push({ ref, target: oid });
  }
  return extra.sort(byRef);
}

/** The oid of a ref, or null for a symbolic one. */
function ownOid(value: Oid | { readonly oid: Oid; readonly symref?: RefName }): Oid | null {
  if (typeof value === "string") return value;
  return value.symref === undefined ? value.oid : null;
}

const FORMAT_NAMES: Record<ObjectFormat, string> = { sha1: "SHA-1", sha256: "SHA-256" };

/**
 * Throws `object-format-mismatch` when nothing can go from the source to the target. A side without refs may say any
 * format: old servers do not tell that of an empty repository.
 */
export function requireSameFormat(
  source: LocalRefs | AdvertisedRefs,
  target: LocalRefs | AdvertisedRefs,
): void {
  if (source.objectFormat === target.objectFormat || source.refs.size === 0 || target.refs.size === 0) return;
  const [from, to] = [FORMAT_NAMES[source.objectFormat], FORMAT_NAMES[target.objectFormat]];
  throw new HeliostatError(
    "object-format-mismatch",
    `The source is a ${from} repository and the target a ${to} one: Git cannot mirror between the two.`,
  );
}
