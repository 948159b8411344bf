import type { RefOutcome } from "@heliostat/contract";
import type { MirrorExplanationAnswer } from "@heliostat/contract/api/mirror-explanation.ts";
import type { MirrorOverviewAnswer } from "@heliostat/contract/api/mirror-overview.ts";
import type { MirrorPreviewAnswer } from "@heliostat/contract/api/mirrors.ts";
import type { ExplainedMirror, MirrorOverviewView } from "../../../app/mirrors/mirror-insight-use-cases.ts";
import type { RefChange } from "../../../domain/refs.ts";
import type { UpdatePreview } from "../../../domain/update-preview.ts";
import { presentCounts, presentEnd } from "../mirror-updates/present.ts";
import { presentTime } from "../mirrors/present.ts";

/** As many refs as the answer about an update names. */
const MAX_REFS = 10_000;

const OUTCOME_OF: Readonly<Record<RefChange["action"], RefOutcome>> = {
  create: "created",
  "fast-forward": "fast-forward",
  force: "forced",
  delete: "deleted",
};

/** Why a mirror does not run, or is late; never one of its secrets. */
export function presentExplanation(explained: ExplainedMirror): MirrorExplanationAnswer {
  const { mirror, explanation, places, lastUpdates } = explained;
  return {
    mirror_id: mirror.id,
    waiting_for: explanation.waitingFor,
    explanation: explanation.sentence,
    fix: explanation.fix,
    due_at: presentTime(explanation.dueAt),
    until: presentTime(explanation.until),
    late_by: explanation.lateBySeconds,
    last_error: mirror.lastError,
    running_pulls: places.pulls,
    max_running_pulls: places.maxPulls,
    running_of_host: places.ofHost,
    max_running_of_host: places.maxOfHost,
    last_updates: lastUpdates.map(presentEnd),
  };
}

/** Counts over all mirrors that one may see; times in seconds. */
export function presentOverview(overview: MirrorOverviewView): MirrorOverviewAnswer {
  return {
    at: overview.at.toISOString(),
    mirrors: overview.mirrors.map((counts) => ({
      direction: counts.direction,
      total: counts.total,
      enabled: counts.enabled,
      in_step: counts.inStep,
      running: counts.running,
      waiting: counts.waiting,
      failing: counts.failing,
      paused: counts.paused,
      never_updated: counts.neverUpdated,
    })),
    late: overview.late,
    last_hour: overview.lastHour,
    hosts_paused: overview.hostsPaused,
    silent_mode: overview.silentMode,
  };
}

/** What an update would do, by the words of what one has done. */
export function presentPreview(mirrorId: number, preview: UpdatePreview): MirrorPreviewAnswer {
  const changes = preview.changes.map(({ ref, action, old, new: oid }) => ({
    ref,
    outcome: OUTCOME_OF[action],
    old_oid: old,
    new_oid: oid,
    message: null,
  }));
  const held = preview.held.map(({ ref, outcome, old, new: oid, message }) => ({
    ref,
    outcome,
    old_oid: old,
    new_oid: oid,
    message: message ?? null,
  }));
  const counts: Partial<Record<RefOutcome, number>> = {
    "up-to-date": preview.upToDate,
    skipped: preview.skipped,
  };
  for (const { outcome } of [...changes, ...held]) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return {
    mirror_id: mirrorId,
    counts: presentCounts(counts),
    refs: [...changes, ...held].slice(0, MAX_REFS),
    notes: [...preview.notes],
    failures: [...preview.failures],
  };
}
