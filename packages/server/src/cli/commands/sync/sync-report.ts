import type { SyncOutcome } from "../../../app/sync/sync-repositories.ts";

/** As many refs as a person reads; `--json` has them all. */
const SHOWN = 50;

const ACTION_WORDS = {
  create: "would create",
  "fast-forward": "would fast-forward",
  force: "would force",
  delete: "would delete",
} as const;

/** What a person reads on the terminal: one line a ref, and one that sums it up. */
export function describeSync({ plan, results }: SyncOutcome, dryRun: boolean): string {
  const planned = dryRun
    ? plan.changes.map((change) => `  ${ACTION_WORDS[change.action]} ${change.ref}`)
    : [];
  const done = results.map(
    ({ outcome, ref, message }) => `  ${outcome} ${ref}${message ? `: ${message}` : ""}`,
  );
  const lines = [...planned, ...done];
  const more = lines.length > SHOWN ? [`  … and ${lines.length - SHOWN} more (--json lists all)`] : [];
  return [...lines.slice(0, SHOWN), ...more, ...plan.notes, summary({ plan, results }, dryRun)].join("\n");
}

function summary({ plan, results }: SyncOutcome, dryRun: boolean): string {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = [...counts].map(([outcome, count]) => `${count} ${outcome}`);
  if (dryRun && plan.changes.length > 0) parts.unshift(`${plan.changes.length} to change`);
  parts.push(`${plan.upToDate.length} up to date`);
  return parts.length === 1 && !dryRun ? `In step: ${parts.join(", ")}.` : `${parts.join(", ")}.`;
}

/** One JSON document for scripts: `changes` is the plan, `results` what became of it. */
export function syncAsJson({ plan, results }: SyncOutcome, dryRun: boolean): string {
  const { changes, upToDate, skipped, notes } = plan;
  return JSON.stringify(
    { dry_run: dryRun, changes, results, up_to_date: upToDate.length, filtered: skipped.length, notes },
    null,
    2,
  );
}
