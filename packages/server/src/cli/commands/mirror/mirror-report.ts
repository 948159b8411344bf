import type {
  MirrorAnswer,
  MirrorUpdateAnswer,
  MirrorUpdateEndAnswer,
} from "@heliostat/contract/api/mirrors.ts";
import { formatBytes } from "../../../domain/format-bytes.ts";
import { formatTime } from "../../terminal/format-time.ts";
import { plain } from "../../terminal/plain.ts";
import { facts, table } from "../../terminal/table.ts";

/** As many refs as a person reads; `--json` and the API have them all. */
const SHOWN = 20;

/** A mirror with its project's name, as `list` has it. */
export interface ListedMirror extends MirrorAnswer {
  readonly project: string;
}

/** A table for people: one mirror a line. */
export function describeMirrors(mirrors: readonly ListedMirror[]): string {
  if (mirrors.length === 0) return "There are no mirrors.";
  const rows = mirrors.map((mirror) => [
    String(mirror.id),
    mirror.project,
    mirror.direction,
    mirror.url ?? "-",
    stateOf(mirror),
    formatTime(mirror.last_successful_update_at),
  ]);
  return table([["ID", "PROJECT", "DIRECTION", "URL", "STATUS", "LAST SUCCESS"], ...rows]);
}

/** One mirror with its options by their names in the API, and its last updates. */
export function describeMirror(
  project: string,
  mirror: MirrorAnswer,
  answer: object,
  updates: readonly MirrorUpdateAnswer[],
): string {
  const { id, direction, url, last_error } = mirror;
  const options = Object.entries(answer)
    .filter(([name]) => !SAID_ABOVE.has(name))
    .map(([name, value]) => [name, describeValue(value)] as const);
  const [newest] = updates;
  return [
    `Mirror ${id}: ${project} ${directionOf(direction)} ${plain(url ?? "-")}`,
    `Status: ${stateOf(mirror)}`,
    ...(last_error === null ? [] : [`Last error: ${plain(last_error)}`]),
    "",
    "Options",
    facts(options, "  "),
    "",
    updates.length === 0 ? "No update has run yet." : "Last updates",
    ...(updates.length === 0 ? [] : [describeUpdates(updates)]),
    ...(newest === undefined ? [] : describeTroubles(newest)),
  ].join("\n");
}

/** What a change made of a mirror: the options that have another value now. */
export function describeChange(project: string, before: MirrorAnswer, after: MirrorAnswer): string {
  const heading = `Mirror ${after.id}: ${plain(project)} ${directionOf(after.direction)} ${plain(after.url ?? "-")}`;
  const was: Readonly<Record<string, unknown>> = before;
  const changed = Object.entries(after)
    .filter(
      ([name, value]) => !MOVES_BY_ITSELF.has(name) && describeValue(value) !== describeValue(was[name]),
    )
    .map(([name, value]) => [name, `${describeValue(was[name])} → ${describeValue(value)}`] as const);
  return changed.length === 0
    ? `${heading}\nNo option has another value than before.`
    : `${heading}\n${facts(changed, "  ")}`;
}

/** No option, but the state of things. */
const MOVES_BY_ITSELF = new Set([
  "updated_at",
  "update_status",
  "next_check_at",
  "next_update_at",
  "last_update_at",
  "last_update_started_at",
  "last_successful_update_at",
  "retry_count",
]);

const SAID_ABOVE = new Set([
  "id",
  "project_id",
  "direction",
  "url",
  "update_status",
  "last_error",
  "enabled",
]);

/** A list of things in one line, and a thing by its name. */
function describeValue(value: unknown): string {
  if (value === null || value === "") return "-";
  if (Array.isArray(value)) return value.map(describeValue).join(", ") || "-";
  if (typeof value !== "object") return String(value);
  const { name, fingerprint_sha256 }: { name?: unknown; fingerprint_sha256?: unknown } = value;
  return String(name ?? fingerprint_sha256 ?? JSON.stringify(value));
}

/** A table of updates, one a line. */
export function describeUpdates(updates: readonly MirrorUpdateAnswer[]): string {
  const rows = updates.map((update) => [
    String(update.id),
    formatTime(update.started_at),
    update.status,
    update.trigger,
    update.user?.username ?? "-",
    describeCounts(update.counts) || "-",
    formatBytes(update.bytes_received + update.bytes_sent),
  ]);
  return table([["ID", "STARTED", "STATUS", "TRIGGER", "BY", "REFS", "TRANSFERRED"], ...rows]);
}

/** How an update ended: one line, and below it each ref that was left behind, why, and how to mend it. */
export function describeEnd(end: MirrorUpdateEndAnswer, update: MirrorUpdateAnswer | null): string {
  const counts = describeCounts(end.counts);
  const how = { started: "Running", finished: "Finished", failed: "Failed", cancelled: "Cancelled" }[
    end.status
  ];
  const [why] = (end.error ?? "").split("\n", 1);
  const text = [why ? plain(why) : "", counts].filter((part) => part !== "").join(" ");
  return [
    `${how}${text === "" ? "." : `: ${text}`}`,
    ...(update === null ? [] : describeTroubles(update)),
  ].join("\n");
}

const TROUBLES = new Set(["rejected", "diverged", "held"]);

function describeTroubles({ refs, notes }: MirrorUpdateAnswer): string[] {
  const troubles = refs.filter(({ outcome }) => TROUBLES.has(outcome));
  const lines = troubles
    .slice(0, SHOWN)
    .flatMap(({ ref, outcome, message, fix }) => [
      `  ${outcome} ${plain(ref)}${message === null ? "" : `: ${plain(message)}`}`,
      ...(fix === null ? [] : [`    ${plain(fix)}`]),
    ]);
  const more = troubles.length > SHOWN ? [`  … and ${troubles.length - SHOWN} more (--json lists all)`] : [];
  return [...notes.map(plain), ...lines, ...more];
}

/** As `3 created, 40 up-to-date`; empty when there was no ref. */
export function describeCounts(counts: MirrorUpdateEndAnswer["counts"]): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(", ");
}

/** As a sentence has it: root/hello *pulls from* URL. */
export function directionOf(direction: MirrorAnswer["direction"]): string {
  return { pull: "pulls from", push: "pushes to" }[direction];
}

function stateOf({ enabled, update_status }: MirrorAnswer): string {
  return enabled ? update_status : `${update_status} (off)`;
}
