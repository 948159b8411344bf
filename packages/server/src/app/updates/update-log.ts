import type { UpdateTrigger } from "@heliostat/contract";
import type { UpdateLogLine } from "../../domain/mirror.ts";
import type { Clock } from "../ports.ts";
import type { EndOfRun } from "./finished-update.ts";

/** The beginning and the end of a long log tell the most; what is between is left out. */
const FIRST_LINES = 150;
const LAST_LINES = 50;
const LINE_LENGTH = 500;

/** What one update did and when, for the person who reads its history. */
export interface UpdateLog {
  add(text: string): void;
  /** Applied to every line, also to those that are there already: cuts the run's secrets out. */
  hideWith(hide: (text: string) => string): void;
  /** At most some 200 lines, each of them short. */
  lines(): readonly UpdateLogLine[];
}

/** An empty log. Of a long run the first and the last lines are kept, with how many are left out between them. */
export function createUpdateLog(clock: Pick<Clock, "now">): UpdateLog {
  const first: UpdateLogLine[] = [];
  const last: UpdateLogLine[] = [];
  let leftOut = 0;
  let hide = (text: string): string => text;

  return {
    add(text) {
      const line = { at: clock.now().toISOString(), text };
      if (first.length < FIRST_LINES) {
        first.push(line);
        return;
      }
      last.push(line);
      if (last.length <= LAST_LINES) return;
      last.shift();
      leftOut += 1;
    },
    hideWith(next) {
      hide = next;
    },
    lines() {
      const [before] = last;
      const gap =
        before === undefined || leftOut === 0 ? [] : [{ at: before.at, text: `… ${leftOut} lines left out` }];
      // Secrets first: what is cut in the middle of one would not be known for one.
      return [...first, ...gap, ...last].map(({ at, text }) => ({ at, text: shorten(hide(text)) }));
    },
  };
}

function shorten(text: string): string {
  return text.length > LINE_LENGTH ? `${text.slice(0, LINE_LENGTH)}…` : text;
}

/** Why a run began, as its log says it. */
export const TRIGGER_TEXTS: Readonly<Record<UpdateTrigger, string>> = {
  push: "somebody pushed to the project",
  pull: "the pull mirror changed the project",
  schedule: "the remote was looked at, and has changed or cannot be read",
  manual: "somebody asked for it",
  configured: "the mirror was set up or changed",
  retry: "the update before failed",
  recovery: "the run before was interrupted",
};

/** The last line of a log: how it ended, and what became of the refs. */
export function describeEnd({ status, error, results, upToDate, skipped }: EndOfRun): string {
  const counts = new Map<string, number>();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  if (upToDate.length > 0) counts.set("up-to-date", upToDate.length);
  if (skipped.length > 0) counts.set("skipped", skipped.length);
  const refs = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  const how = { finished: "Finished", failed: "Failed", cancelled: "Ended before its time" }[status];
  // The first line of an error says what; the rest names refs, which are listed anyway.
  const why = error === null ? "" : `: ${error.split("\n", 1)[0]}`;
  return `${how}${why}${refs === "" ? "" : ` (${refs})`}`;
}
