import { mirrorExplanationSchema } from "@heliostat/contract/api/mirror-explanation.ts";
import { mirrorPreviewSchema } from "@heliostat/contract/api/mirrors.ts";
import { type CommonFlags, connect } from "../../connection/api-access.ts";
import { formatTime } from "../../terminal/format-time.ts";
import { plain } from "../../terminal/plain.ts";
import { printAnswer } from "../../terminal/print.ts";
import { facts, table } from "../../terminal/table.ts";
import { findMirrorOrOnly } from "./mirror-commands.ts";
import { describeCounts } from "./mirror-report.ts";

/** As git shortens an object id. */
const SHORT_OID = 10;

/** It is not due then, whatever its schedule says. */
const SWITCHED_OFF: ReadonlySet<string> = new Set(["disabled", "archived", "silent-mode", "unavailable"]);

/** `heliostat mirror explain`: what it waits for, and what can be done about it. */
export async function explainMirror(
  project: string,
  name: string | undefined,
  flags: CommonFlags,
): Promise<void> {
  const api = await connect(flags);
  const answer = await api.call("GET", `${await findMirrorOrOnly(api, project, name)}/explanation`);
  printAnswer(flags, answer, () => {
    const { waiting_for, explanation, fix, due_at, until, late_by, last_error, last_updates } =
      mirrorExplanationSchema.parse(answer);
    const due = SWITCHED_OFF.has(waiting_for) ? null : due_at;
    return [
      plain(explanation),
      ...(fix === null ? [] : [plain(fix)]),
      facts([
        ["Due", late_by > 0 ? `${formatTime(due)} (${late_by} s ago)` : formatTime(due)],
        ...(until === null ? [] : [["Until", formatTime(until)] as const]),
        ...(last_error === null ? [] : [["Last error", last_error] as const]),
        ...last_updates.map(
          (each) => [`Update ${each.id}`, `${each.status}, ${formatTime(each.started_at)}`] as const,
        ),
      ]),
    ].join("\n");
  });
}

/** `heliostat mirror preview`: what an update would do now. Exit code 1: it would fail. */
export async function previewMirror(
  project: string,
  name: string | undefined,
  flags: CommonFlags,
): Promise<number> {
  const api = await connect(flags);
  const answer = await api.call("POST", `${await findMirrorOrOnly(api, project, name)}/preview`, {});
  const { counts, refs, notes, failures } = mirrorPreviewSchema.parse(answer);
  printAnswer(flags, answer, () => {
    const rows = refs.map(({ outcome, ref, old_oid, new_oid }) => [
      outcome,
      ref,
      old_oid?.slice(0, SHORT_OID) ?? "-",
      new_oid?.slice(0, SHORT_OID) ?? "-",
    ]);
    return [
      `An update would find: ${describeCounts(counts) || "no refs"}. Nothing was changed.`,
      ...failures.map((each) => `It would fail: ${plain(each)}`),
      ...notes.map(plain),
      ...(rows.length === 0 ? [] : [table([["OUTCOME", "REF", "FROM", "TO"], ...rows])]),
      ...refs.flatMap(({ ref, message }) => (message === null ? [] : [`${plain(ref)}: ${plain(message)}`])),
    ].join("\n");
  });
  return failures.length === 0 ? 0 : 1;
}
