import { compileBranchFilter } from "../../domain/branch-filter.ts";
import { branchRef, type RefName } from "../../domain/ref-name.ts";
import { collectQuestions } from "../../domain/ref-plan/ancestry.ts";
import { planPush } from "../../domain/ref-plan/push-plan.ts";
import type { RefPlan } from "../../domain/ref-plan/ref-plan.ts";
import type { AdvertisedRefs, LocalRefs, RefChange, RefResult } from "../../domain/refs.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import type { Ports, RemoteAccess, TransferOptions } from "../ports.ts";
import { pushChanges } from "../updates/push-changes.ts";
import { pushInOrder } from "../updates/push-in-order.ts";

/** One end of a one-shot mirror: a repository on this machine, or a remote. */
export type SyncEnd =
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "remote"; readonly access: RemoteAccess };

export interface SyncOptions {
  readonly keepDivergentRefs: boolean;
  /** RE2, unanchored; null: every branch. */
  readonly branches: string | null;
  /** Plan, and say so; objects may be transferred, but no ref changes. */
  readonly dryRun: boolean;
  /** A bare repository of ours for objects on their way between two remotes; made when absent. */
  readonly relayPath: string;
}

export interface SyncOutcome {
  readonly plan: RefPlan;
  /** What became of each change, and what was held; with `dryRun` what is held only. */
  readonly results: readonly RefResult[];
}

type SyncPorts = Pick<Ports, "repositories" | "remotes">;

/**
 * Makes the target follow the source, by the rules of a push mirror, without a server. Objects of a remote source
 * come into the target when that is local, else into the relay; every ref changes only against the value seen.
 */
export async function syncRepositories(
  ports: SyncPorts,
  source: SyncEnd,
  target: SyncEnd,
  options: SyncOptions,
  transfer: TransferOptions,
): Promise<SyncOutcome> {
  const { repositories } = ports;
  const ours = await listSource(ports, source, transfer);
  const place = await prepare(ports, source, target, ours, options);
  const { theirs, symrefs } = await listTarget(ports, target, ours, transfer);
  const branches = compileBranchFilter(
    options.branches === null ? { kind: "all" } : { kind: "regex", source: options.branches },
  );
  const input = {
    ours,
    theirs,
    wants: {
      branch: (ref: RefName) => !symrefs.has(ref) && branches(ref),
      tag: (ref: RefName) => !symrefs.has(ref),
    },
    keepDivergentRefs: options.keepDivergentRefs,
    deletions: "default" as const,
  };
  const questions = collectQuestions((ancestry) => planPush({ ...input, ancestry }));
  const draft = planPush({ ...input, ancestry: () => "unknown" });
  const mustTransfer =
    source.kind === "remote" && !isEmpty(draft) && (!options.dryRun || questions.length > 0);
  if (mustTransfer) {
    await fetchSource(ports, place, source.access, draft, transfer);
    if (place === options.relayPath) await rememberInRelay(ports, place, draft);
  }
  const plan = planPush({ ...input, ancestry: await repositories.answerAncestry(place, questions) });
  if (options.dryRun || plan.changes.length === 0) return { plan, results: plan.held };

  const { results: applied } = await pushInOrder(plan, ours.head, async (changes) => {
    if (target.kind === "remote") return await pushChanges(ports, place, target.access, changes, transfer);
    if (source.kind === "local") {
      return await pushChanges(ports, place, accessTo(target.path), changes, transfer);
    }
    return { results: await applyHere(ports, place, changes, theirs, ours), brokenOffBy: null };
  });
  return { plan, results: [...applied, ...plan.held] };
}

function accessTo(path: string): RemoteAccess {
  return { url: parseRemoteUrl(path, { allowLocalPath: true }).url, credential: null, address: null };
}

async function listSource(ports: SyncPorts, source: SyncEnd, transfer: TransferOptions): Promise<LocalRefs> {
  if (source.kind === "local") return await ports.repositories.readRefs(source.path);
  return asLocal(await ports.remotes.listRefs(source.access, transfer));
}

/** What the target has. A local one names its symbolic refs apart: nothing of that name is mirrored. */
async function listTarget(
  ports: SyncPorts,
  target: SyncEnd,
  ours: LocalRefs,
  transfer: TransferOptions,
): Promise<{ readonly theirs: AdvertisedRefs; readonly symrefs: ReadonlySet<RefName> }> {
  if (target.kind === "remote") {
    return { theirs: await ports.remotes.listRefs(target.access, transfer), symrefs: new Set() };
  }
  if (!(await ports.repositories.exists(target.path))) {
    const { objectFormat } = ours;
    return { theirs: { objectFormat, refs: new Map(), head: null }, symrefs: new Set() };
  }
  const { objectFormat, refs, symrefs, head } = await ports.repositories.readRefs(target.path);
  const advertised = new Map([...refs].map(([ref, oid]) => [ref, { oid }]));
  return { theirs: { objectFormat, head, refs: advertised }, symrefs };
}

/** The repository in which git works: the source when it is here, else the target, else the relay. */
async function prepare(
  ports: SyncPorts,
  source: SyncEnd,
  target: SyncEnd,
  ours: LocalRefs,
  options: SyncOptions,
): Promise<string> {
  const { repositories } = ports;
  const init = { objectFormat: ours.objectFormat, head: ours.head ?? branchRef("main") };
  const mayMake = target.kind === "local" && !options.dryRun;
  if (mayMake && !(await repositories.exists(target.path))) await repositories.init(target.path, init);
  if (source.kind === "local") return source.path;
  if (target.kind === "local" && (await repositories.exists(target.path))) return target.path;
  if (!(await repositories.exists(options.relayPath))) await repositories.init(options.relayPath, init);
  return options.relayPath;
}

async function fetchSource(
  ports: SyncPorts,
  place: string,
  source: RemoteAccess,
  draft: RefPlan,
  transfer: TransferOptions,
): Promise<void> {
  const oids = [...draft.changes, ...draft.held].flatMap((ref) => (ref.new === null ? [] : [ref.new]));
  await ports.repositories.fetchObjects(place, source, [...new Set(oids)], transfer);
}

/** Points the relay's refs at what came, so that the next run's negotiation knows that it is here. */
async function rememberInRelay(ports: SyncPorts, relay: string, draft: RefPlan): Promise<void> {
  const { refs } = await ports.repositories.readRefs(relay);
  const changes = [...draft.changes, ...draft.held].flatMap(({ ref, new: oid }): RefChange[] => {
    const old = refs.get(ref) ?? null;
    if (oid === null || oid === old) return [];
    return [{ ref, action: old === null ? "create" : "force", old, new: oid }];
  });
  await ports.repositories.applyChanges(relay, changes);
}

async function applyHere(
  ports: SyncPorts,
  path: string,
  changes: readonly RefChange[],
  before: AdvertisedRefs,
  ours: LocalRefs,
): Promise<readonly RefResult[]> {
  const results = await ports.repositories.applyChanges(path, changes);
  if (before.refs.size === 0 && ours.head) await ports.repositories.setHead(path, ours.head);
  return results;
}

function asLocal(advertised: AdvertisedRefs): LocalRefs {
  const refs = new Map(
    [...advertised.refs].flatMap(([ref, { oid, symref }]) =>
      symref === undefined ? [[ref, oid] as const] : [],
    ),
  );
  const symrefs = new Set(
    [...advertised.refs].flatMap(([ref, { symref }]) => (symref === undefined ? [] : [ref])),
  );
  const { objectFormat, head, broken } = advertised;
  return { objectFormat, refs, symrefs, head, ...(broken === undefined ? {} : { broken }) };
}

function isEmpty(plan: RefPlan): boolean {
  return plan.changes.length === 0 && plan.held.length === 0;
}
