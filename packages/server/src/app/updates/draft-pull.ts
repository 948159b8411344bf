import type { HeliostatError } from "../../domain/errors.ts";
import type { refuseTooManyRefs } from "../../domain/incoming-limits.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Oid } from "../../domain/oid.ts";
import { compileBranchProtection, compileTagProtection } from "../../domain/protections.ts";
import type { RefFilter } from "../../domain/ref-filter.ts";
import {
  type AncestryAnswers,
  type AncestryQuestion,
  collectQuestions,
} from "../../domain/ref-plan/ancestry.ts";
import { likelyHaves } from "../../domain/ref-plan/likely-haves.ts";
import { type PullPlan, type PullSides, preparePull } from "../../domain/ref-plan/pull-plan.ts";
import type { AdvertisedRefs, LocalRefs, RefChange } from "../../domain/refs.ts";
import { admissionTo } from "../repositories/admission.ts";
import { fetchWhatComes, type Lacks } from "./fetch-what-comes.ts";
import { nameRedirect } from "./name-redirect.ts";
import type { UpdateRun } from "./run.ts";

/** What a pull may change here, whatever upstream has. */
export type PullRules = Pick<PullSides, "mayChangeBranch" | "mayChangeTag">;

/** The rules for whoever a pull writes as. */
export async function pullRules(run: Pick<UpdateRun, "ports" | "project" | "actor">): Promise<PullRules> {
  const [branches, tags] = await Promise.all([
    run.ports.protectedBranches.list(run.project.id),
    run.ports.protectedTags.list(run.project.id),
  ]);
  const branchAccess = compileBranchProtection(branches, run.actor);
  const tagAccess = compileTagProtection(tags, run.actor);
  return {
    // Whether it may overwrite is for the mirror's own option to say, which somebody has set who may push.
    mayChangeBranch: (branch) => branchAccess(branch).mayPush,
    mayChangeTag: (tag) => tagAccess(tag).mayCreate,
  };
}

/** A plan before upstream's objects are here, and what it takes to finish it. */
export interface PullDraft {
  readonly planWith: (ancestry: AncestryAnswers) => PullPlan;
  /** What must be known of the objects to finish it; empty: it is as it will be. */
  readonly questions: readonly AncestryQuestion[];
  /** The objects that must be here to decide and to carry it out. */
  readonly needed: readonly Oid[];
  readonly ours: LocalRefs;
  /** What upstream is told that we have; undefined: all our refs. */
  readonly haves: readonly Oid[] | undefined;
  /** How the number of our refs changes. */
  readonly counts: Parameters<typeof refuseTooManyRefs>[1];
}

/** Compares both sides and drafts what a pull does with them. */
export function draftPull(sides: {
  readonly ours: LocalRefs;
  readonly theirs: AdvertisedRefs;
  readonly wants: RefFilter;
  readonly mirror: Pick<Mirror, "options">;
  readonly rules: PullRules;
}): PullDraft {
  const { ours, theirs, wants, mirror, rules } = sides;
  const planWith = preparePull({
    ours,
    theirs,
    wants,
    overwriteDivergedBranches: mirror.options.overwritesDivergedBranches,
    deletions: mirror.options.deletions,
    followDefaultBranch: mirror.options.followDefaultBranch,
    ...rules,
  });
  let needed: readonly Oid[] = [];
  let haves: readonly Oid[] | undefined;
  let counts = { here: 0, created: 0, deleted: 0 };
  const questions = collectQuestions((ancestry) => {
    const plan = planWith(ancestry);
    needed = neededBy(plan);
    haves = likelyHaves(ours, [...plan.changes, ...plan.held]);
    counts = countsOf(ours, plan);
  });
  return { planWith, questions, needed, ours, haves, counts };
}

/** Fetches what a draft needs; `failure`: how all of it has failed to come before. */
export async function fetchForPlan(
  { ports, remote, limits, transfer }: Pick<UpdateRun, "ports" | "remote" | "limits" | "transfer">,
  path: string,
  { needed, ours, haves }: PullDraft,
  failure: HeliostatError | null,
): Promise<Lacks> {
  return await fetchWhatComes(
    needed,
    async (oids, come) => {
      const shown = come.length === 0 ? haves : [...(haves ?? ours.refs.values()), ...come];
      const admission = await admissionTo(ports, path, limits);
      const options = { ...transfer, admission, ...(shown === undefined ? {} : { haves: shown }) };
      await nameRedirect(ports.remotes, remote, options, () =>
        ports.repositories.fetchObjects(path, remote, oids, options),
      );
    },
    failure,
  );
}

function neededBy({ changes, held }: PullPlan): Oid[] {
  const diverged = held.filter(({ outcome }) => outcome === "diverged");
  return [...new Set([...changes, ...diverged].flatMap((ref) => ref.new ?? []))];
}

function countsOf(ours: LocalRefs, { changes }: PullPlan): PullDraft["counts"] {
  const count = (action: RefChange["action"]): number =>
    changes.filter((change) => change.action === action).length;
  return { here: ours.refs.size, created: count("create"), deleted: count("delete") };
}
