import { REF_OUTCOMES, type RefOutcome } from "@heliostat/contract";
import type {
  MirrorProgressAnswer,
  MirrorUpdateAnswer,
  MirrorUpdateEndAnswer,
  WholeMirrorUpdateAnswer,
} from "@heliostat/contract/api/mirrors.ts";
import type { MirrorProgress, UpdateView } from "../../../app/use-cases.ts";
import type { ListedUpdate, MirrorUpdate, OutcomeCounts, UpdateState } from "../../../domain/mirror.ts";
import type { RefName } from "../../../domain/ref-name.ts";
import type { RefResult } from "../../../domain/refs.ts";
import { presentTime } from "../mirrors/present.ts";
import { presentUser } from "../users/present.ts";

/** An update with the refs that the list carries; of a large one those are not all. */
export function presentUpdate(
  { update, user }: UpdateView<ListedUpdate>,
  externalUrl: string,
): MirrorUpdateAnswer {
  return {
    ...presentEnd(update),
    user_id: update.userId,
    user: user && presentUser(user, externalUrl),
    bytes_received: update.bytesReceived,
    bytes_sent: update.bytesSent,
    notes: [...update.notes],
    refs: update.results.map(presentResult),
  };
}

/** With the refs of these outcomes only; null: with all. */
export function presentWholeUpdate(
  view: UpdateView<MirrorUpdate>,
  outcomes: readonly RefOutcome[] | null,
  externalUrl: string,
): WholeMirrorUpdateAnswer {
  const { update } = view;
  const whole = presentUpdate(view, externalUrl);
  const refs = [
    ...whole.refs,
    ...update.upToDate.map((ref) => presentUntouched(ref, "up-to-date")),
    ...update.skipped.map((ref) => presentUntouched(ref, "skipped")),
  ];
  return {
    ...whole,
    refs: outcomes === null ? refs : refs.filter(({ outcome }) => outcomes.includes(outcome)),
    log: update.log.map(({ at, text }) => ({ at, text })),
  };
}

/** The short form: how it ended, or that it runs. */
export function presentEnd(update: Omit<UpdateState, "progress" | "isTakenUp">): MirrorUpdateEndAnswer {
  return {
    id: update.id,
    mirror_id: update.mirrorId,
    trigger: update.trigger,
    status: update.status,
    started_at: update.startedAt.toISOString(),
    finished_at: presentTime(update.finishedAt),
    error: update.error,
    counts: presentCounts(update.counts),
  };
}

/** How far the update is that runs; nulls while none does, or before it tells. */
export function presentProgress({ mirror, update }: MirrorProgress): MirrorProgressAnswer {
  const progress = update?.progress;
  return {
    mirror_id: mirror.id,
    status: mirror.updateStatus,
    update_id: update?.id ?? null,
    trigger: update?.trigger ?? null,
    started_at: presentTime(update?.startedAt ?? null),
    phase: progress?.phase ?? null,
    done: progress?.done ?? null,
    total: progress?.total ?? null,
    bytes: progress?.bytes ?? null,
    bytes_per_second: progress?.bytesPerSecond ?? null,
  };
}

/** Every outcome is in it: scripts need not know that what is left out is 0. */
/** Every outcome with its number of refs; 0 for those that are not there. */
export function presentCounts(counts: OutcomeCounts): Record<RefOutcome, number> {
  const all = Object.fromEntries(REF_OUTCOMES.map((outcome) => [outcome, 0])) as Record<RefOutcome, number>;
  return { ...all, ...counts };
}

function presentResult(result: RefResult): MirrorUpdateAnswer["refs"][number] {
  return {
    ref: result.ref,
    outcome: result.outcome,
    old_oid: result.old,
    new_oid: result.new,
    message: result.message ?? null,
    reason: result.reason ?? null,
    fix: result.fix ?? null,
  };
}

function presentUntouched(
  ref: RefName,
  outcome: "up-to-date" | "skipped",
): MirrorUpdateAnswer["refs"][number] {
  return { ref, outcome, old_oid: null, new_oid: null, message: null, reason: null, fix: null };
}
