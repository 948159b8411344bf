import { asHeliostatError, HeliostatError } from "../../domain/errors.ts";
import { refuseTooManyRefs } from "../../domain/incoming-limits.ts";
import { branchRef, shortName } from "../../domain/ref-name.ts";
import { splitAtDefault } from "../../domain/ref-plan/after-default.ts";
import { requireSameFormat } from "../../domain/ref-plan/compare-refs.ts";
import { holdWithoutHead, type PullPlan } from "../../domain/ref-plan/pull-plan.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefResult } from "../../domain/refs.ts";
import { admissionTo } from "../repositories/admission.ts";
import { adoptDefaultBranch } from "../repositories/adopt-default-branch.ts";
import { draftPull, fetchForPlan, type PullRules, pullRules } from "./draft-pull.ts";
import { isOfObjects, type Lacks, lackingResult } from "./fetch-what-comes.ts";
import { nameRedirect } from "./name-redirect.ts";
import { type Round, replanOnce } from "./replan-once.ts";
import type { RunOutcome, UpdateRun } from "./run.ts";

/** Carries what upstream has into the project: list, plan, transfer what that needs, apply against the values seen. */
export async function runPullUpdate(run: UpdateRun): Promise<RunOutcome> {
  const rules = await pullRules(run);
  return await replanOnce(run.ports, run.project, (project) => pullOnce({ ...run, project }, rules));
}

async function pullOnce(run: UpdateRun, rules: PullRules): Promise<Round> {
  const { ports, project, mirror, remote, wanted } = run;
  const path = ports.repositories.pathOf(project.id);
  const [ours, listed] = await Promise.all([
    ports.repositories.readRefs(path),
    // In process, and before any git: a remote that does not answer must not take a transfer's place from one that does.
    ports.remotes.listRefs(remote, { ...run.transfer, maxRefs: run.limits.refs }),
  ]);
  const seen = await adoptFormat(run, path, ours, listed);
  const first = await cloneFirst(run, path, ours, listed);
  const cloned = first instanceof HeliostatError ? null : first;
  const theirs = cloned ?? listed;
  const draft = draftPull({ ours, theirs, wants: wanted, mirror, rules });
  refuseTooManyRefs(run.limits, draft.counts);
  const lacks =
    cloned === null
      ? await fetchForPlan(run, path, draft, first instanceof HeliostatError ? first : null)
      : new Map();
  const plan = draft.planWith(await ports.repositories.answerAncestry(path, draft.questions));
  const held = withLacks(plan.held, lacks);

  const written = await write(run, path, ours, plan, { seen, lacks, areChecked: cloned !== null });
  return {
    results: [...written.applied, ...held],
    notes: [...plan.notes, ...written.notes],
    upToDate: plan.upToDate,
    skipped: plan.skipped,
    // What did not come has not diverged as far as anybody knows.
    failures: [...plan.failures, ...written.failures].filter(
      (text) => !plan.held.some((was, at) => was.message === text && was !== held[at]),
    ),
    digest: wanted.digest(theirs),
    generation: written.generation,
    brokenOffBy: written.brokenOffBy,
    changedProject: written.brokenOffBy !== null || written.hasMovedHead || written.applied.some(hasChanged),
  };
}

/**
 * The first pull of a mirror that carries everything: all objects come at once, as they do for `git clone`; answers
 * what the remote had then. Null for every other pull, and the error where the remote has damaged objects: a clone
 * brings all or nothing, and a fetch can leave them out. Measured: a clone writes refs packed and checks connectivity
 * once, which a fetch into nothing does not.
 */
async function cloneFirst(
  run: UpdateRun,
  path: string,
  ours: LocalRefs,
  listed: AdvertisedRefs,
): Promise<AdvertisedRefs | HeliostatError | null> {
  const { ports, remote, wanted } = run;
  if (ours.refs.size === 0 && wanted.everything && listed.refs.size > 0) {
    refuseTooManyRefs(run.limits, { here: 0, created: listed.refs.size, deleted: 0 });
    try {
      const admission = await admissionTo(ports, path, run.limits);
      const cloned = await nameRedirect(ports.remotes, remote, run.transfer, () =>
        ports.repositories.fetchAll(path, remote, { ...run.transfer, admission }),
      );
      return completeClone(cloned, listed);
    } catch (error) {
      if (isOfObjects(error)) return error;
      throw error;
    }
  }
  // The plan checks it too, but git would fail before, with words that lead astray.
  requireSameFormat(listed, ours);
  return null;
}

/** A clone has plain refs where the remote has symbolic ones, and says nothing of those that it could not name. */
function completeClone(cloned: AdvertisedRefs, listed: AdvertisedRefs): AdvertisedRefs {
  const refs = new Map(cloned.refs);
  for (const [ref, { symref }] of listed.refs) {
    const plain = refs.get(ref);
    if (symref !== undefined && plain !== undefined) refs.set(ref, { ...plain, symref });
  }
  const { unusable, broken } = listed;
  return {
    ...cloned,
    refs,
    ...(unusable === undefined ? {} : { unusable }),
    ...(broken === undefined ? {} : { broken }),
  };
}

/**
 * While nothing is in the repository, it may still become what upstream is. Answers the state of our refs that the rest
 * of the run goes by. `object-format-mismatch` when a push is in the way of that, or refs that no mirror carries.
 */
async function adoptFormat(
  run: UpdateRun,
  path: string,
  ours: LocalRefs,
  listed: AdvertisedRefs,
): Promise<number | null> {
  const { ports, project } = run;
  const seen = project.refsGeneration;
  const isSame = listed.refs.size === 0 || listed.objectFormat === ours.objectFormat;
  if (isSame || ours.refs.size > 0) return seen;
  const { objectFormat } = listed;
  const head = ours.head ?? listed.head ?? branchRef("main");
  await run.requireLease();
  await ports.projects.beginRefsWrite(project.id);
  let hasEnded = false;
  let written: number | null = null;
  const end = async (): Promise<void> => {
    if (hasEnded) return;
    hasEnded = true;
    written = await ports.projects.endRefsWrite(project.id);
  };
  try {
    const isReplaced = await ports.repositories.replaceEmpty(
      path,
      { objectFormat, head },
      // Every push counts as a writer from before its git starts until after it ended.
      async () => {
        await end();
        return seen !== null && written === seen + 1;
      },
    );
    if (isReplaced) return written;
  } finally {
    await end();
  }
  throw new HeliostatError(
    "object-format-mismatch",
    "Upstream has another object format than this project, which can take it on only while it is empty and nobody pushes to it.",
  );
}

/** What is held because of what it would become, unless that has not come: then this is what is known of it. */
function withLacks(held: readonly RefResult[], lacks: Lacks): readonly RefResult[] {
  return held.map((result) => {
    const lack = result.outcome === "diverged" && result.new !== null ? lacks.get(result.new) : undefined;
    return lack === undefined ? result : lackingResult(result, lack);
  });
}

async function applyWhatCame(
  { repositories }: UpdateRun["ports"],
  path: string,
  changes: readonly RefChange[],
  { lacks, areChecked }: { readonly lacks: Lacks; readonly areChecked: boolean },
): Promise<readonly RefResult[]> {
  const lackOf = (change: RefChange) => (change.new === null ? undefined : lacks.get(change.new));
  const good = changes.filter((change) => lackOf(change) === undefined);
  const applied = (await repositories.applyChanges(path, good, { areChecked })).values();
  return changes.flatMap((change) => {
    const lack = lackOf(change);
    return lack === undefined ? (applied.next().value ?? []) : lackingResult(change, lack);
  });
}

interface Written {
  readonly applied: readonly RefResult[];
  readonly hasMovedHead: boolean;
  /** The state of our refs; null when somebody else wrote meanwhile. */
  readonly generation: number | null;
  readonly notes: readonly string[];
  readonly failures: readonly string[];
  /** What kept the rest from being written. Then some of our refs may have changed, whatever `applied` says. */
  readonly brokenOffBy: HeliostatError | null;
}

function hasChanged({ outcome }: RefResult): boolean {
  return outcome !== "rejected" && outcome !== "held";
}

/** What must wait for HEAD, such as the deletion of the branch that it points at, comes after HEAD has really moved. */
async function write(
  { ports, project, requireLease }: UpdateRun,
  path: string,
  ours: LocalRefs,
  plan: PullPlan,
  { seen, ...options }: { readonly seen: number | null; readonly lacks: Lacks; readonly areChecked: boolean },
): Promise<Written> {
  if (plan.changes.length === 0 && plan.head === null) {
    return { applied: [], hasMovedHead: false, generation: seen, notes: [], failures: [], brokenOffBy: null };
  }
  await requireLease();
  await ports.projects.beginRefsWrite(project.id);
  const { first, later } = splitAtDefault(plan);
  let applied: readonly RefResult[] = [];
  let failures: readonly string[] = [];
  let brokenOffBy: HeliostatError | null = null;
  let written: number | null = null;
  try {
    applied = await applyWhatCame(ports, path, first, options);
    failures = await moveHead(ports, path, { plan, ours, applied });
    if (failures.length > 0) applied = [...applied, ...holdWithoutHead(later, plan.head)];
    else if (later.length > 0) {
      const { lacks } = options;
      applied = [...applied, ...(await applyWhatCame(ports, path, later, { lacks, areChecked: false }))];
    }
    failures = [...failures, ...(await chooseDefault(ports, project))];
  } catch (error) {
    // A full disk, say, in the second of two transactions: what the first one changed is there.
    brokenOffBy = asHeliostatError(error);
  } finally {
    written = await ports.projects.endRefsWrite(project.id);
  }
  const head = failures.length === 0 && brokenOffBy === null ? plan.head : null;
  const isFirst = ours.refs.size === 0;
  return {
    applied,
    hasMovedHead: head !== null,
    // One step further than what we saw means that nobody but us wrote in between.
    generation: seen !== null && written === seen + 1 ? written : null,
    notes:
      head === null || isFirst ? [] : [`The default branch is now ${shortName(head)}, as upstream's is.`],
    failures,
    brokenOffBy,
  };
}

/** Upstream's HEAD may name a branch that is not there, or that this mirror does not carry. Answers why not. */
async function chooseDefault(
  ports: UpdateRun["ports"],
  project: UpdateRun["project"],
): Promise<readonly string[]> {
  try {
    await adoptDefaultBranch(ports, project);
    return [];
  } catch (thrown) {
    const error = asHeliostatError(thrown);
    if (error.code === "cancelled") throw error;
    return [`The default branch could not be chosen: ${error.message}`];
  }
}

/** Points HEAD at the plan's branch, if that is there. Answers why not: nothing where HEAD is as it is to be. */
async function moveHead(
  { repositories }: UpdateRun["ports"],
  path: string,
  { plan, ours, applied }: { plan: PullPlan; ours: LocalRefs; applied: readonly RefResult[] },
): Promise<readonly string[]> {
  const { head } = plan;
  if (head === null) return [];
  const failure = `The default branch could not become ${shortName(head)}, which it is upstream`;
  if (applied.some(({ ref, outcome }) => ref === head && outcome === "rejected")) {
    return [`${failure}: that branch could not be written here.`];
  }
  try {
    // Somebody may have deleted it meanwhile. A first pull, like a clone, may bring a HEAD whose branch does not exist.
    if (ours.refs.size > 0 && !(await repositories.readRefs(path)).refs.has(head)) {
      return [`${failure}: that branch is not here any more.`];
    }
    await repositories.setHead(path, head);
    return [];
  } catch (thrown) {
    const error = asHeliostatError(thrown);
    if (error.code === "cancelled") throw error;
    return [`${failure}: ${error.message}`];
  }
}
