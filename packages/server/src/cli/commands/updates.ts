import { REF_OUTCOMES } from "@heliostat/contract";
import {
  type MirrorUpdateAnswer,
  mirrorUpdateSchema,
  type WholeMirrorUpdateAnswer,
  wholeMirrorUpdateSchema,
} from "@heliostat/contract/api/mirrors.ts";
import type { Command } from "commander";
import { HeliostatError } from "../../domain/errors.ts";
import { formatBytes } from "../../domain/format-bytes.ts";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import type { ApiClient } from "../connection/api-client.ts";
import { whereNotFound } from "../connection/find.ts";
import { parseCount, parseWord, queryOf } from "../parse-options.ts";
import { addServerCommand, describeUse, examples, SERVER_HELP } from "../server-command.ts";
import { formatTime } from "../terminal/format-time.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { facts, table } from "../terminal/table.ts";
import { cancelUpdate, findMirrorOrOnly, watchMirror } from "./mirror/mirror-commands.ts";
import { describeCounts, describeUpdates } from "./mirror/mirror-report.ts";

/** Outcomes that are news; refs to which nothing happened are counted, and listed when they are asked for. */
const CHANGED = REF_OUTCOMES.filter((outcome) => outcome !== "up-to-date" && outcome !== "skipped");

/** Declares the commands of `heliostat updates`. */
export function declareUpdates(updates: Command): void {
  updates.addHelpText(
    "after",
    `\nMIRROR is an id, "pull" or "push"; without it, the project's only one.\n${SERVER_HELP}`,
  );

  addServerCommand(updates, "list <project> [mirror]", "list what a mirror did, the newest first")
    .option("--limit <number>", "no more than so many", "20")
    .addHelpText("after", examples("updates list team/hello pull", "updates list team/hello 2 --limit 100"))
    .action(
      async (project: string, name: string | undefined, flags: CommonFlags & { readonly limit: string }) => {
        const limit = parseCount("--limit", flags.limit);
        const api = await connect(flags);
        const answers = await api.list(`${await findMirrorOrOnly(api, project, name)}/updates`, limit);
        printAnswer(flags, answers, () => {
          const list = mirrorUpdateSchema.array().parse(answers);
          return list.length === 0 ? "No update has run yet." : describeUpdates(list);
        });
      },
    );

  addServerCommand(
    updates,
    "show <project> [mirror] [update]",
    "show an update: what became of each ref, why, and what to do",
  )
    .option("--outcome <list>", `only these, with commas: ${REF_OUTCOMES.join(", ")}`)
    .option("--all", "refs to which nothing happened, too")
    .option("--log", "what it did, step by step")
    .addHelpText(
      "after",
      `\nUPDATE is an id; without it, the newest.\n${examples(
        "updates show team/hello pull",
        "updates show team/hello 2 143 --outcome rejected,diverged",
      )}`,
    )
    .action(showUpdate);

  addServerCommand(
    updates,
    "watch <project> [mirror]",
    "follow the update that runs, or else the next one, to its end",
  )
    .addHelpText(
      "after",
      describeUse(
        "Ctrl-C ends the watching, not the update. Exit codes: 0 it finished, 1 it failed, 130 Ctrl-C.",
        "updates watch team/hello pull",
      ),
    )
    .action(async (project: string, name: string | undefined, flags: CommonFlags) => {
      process.exitCode = await watchMirror(project, name, flags);
    });

  addServerCommand(updates, "cancel <project> <mirror>", "end the update that runs")
    .addHelpText("after", examples("updates cancel team/hello pull"))
    .action(async (project: string, name: string, flags: CommonFlags) => {
      process.exitCode = await cancelUpdate(project, name, flags);
    });
}

interface ShowFlags extends CommonFlags {
  readonly outcome?: string;
  readonly all?: boolean;
  readonly log?: boolean;
}

async function showUpdate(
  project: string,
  mirror: string | undefined,
  id: string | undefined,
  flags: ShowFlags,
): Promise<void> {
  const outcomes =
    flags.outcome?.split(",").map((word) => parseWord("--outcome", word.trim(), REF_OUTCOMES)) ??
    (flags.all ? undefined : CHANGED);
  const api = await connect(flags);
  const path = `${await findMirrorOrOnly(api, project, mirror)}/updates`;
  const update = id === undefined ? await readNewestId(api, path) : parseCount("UPDATE", id);
  const answer = await api
    .call("GET", `${path}/${update}${queryOf({ outcome: outcomes?.join(",") })}`)
    .catch(
      whereNotFound(
        `There is no update ${update} of this mirror: heliostat updates list shows which there are.`,
      ),
    );
  printAnswer(flags, answer, () => describeUpdate(wholeMirrorUpdateSchema.parse(answer), flags));
}

async function readNewestId(api: ApiClient, path: string): Promise<number> {
  const [newest] = mirrorUpdateSchema.array().parse(await api.list(path, 1));
  if (newest === undefined) throw new HeliostatError("not-found", "No update has run yet.");
  return newest.id;
}

function describeUpdate(update: WholeMirrorUpdateAnswer, { log }: ShowFlags): string {
  const { refs, notes } = update;
  return [
    facts([
      ["Update", `${update.id} of mirror ${update.mirror_id}`],
      ["Status", update.status],
      ...(update.error === null ? [] : [["Error", update.error] as const]),
      ["Started", `${formatTime(update.started_at)} (${update.trigger}${byWhom(update)})`],
      ["Finished", formatTime(update.finished_at)],
      ["Transferred", formatBytes(update.bytes_received + update.bytes_sent)],
      ["Refs", describeCounts(update.counts) || "none"],
    ]),
    ...notes.map(plain),
    ...(refs.length === 0 ? [] : ["", table([["OUTCOME", "REF", "FROM", "TO"], ...refs.map(describeRef)])]),
    ...describeReasons(refs),
    ...(log ? ["", ...update.log.map(({ at, text }) => `${at}  ${plain(text)}`)] : []),
  ].join("\n");
}

function byWhom({ user }: MirrorUpdateAnswer): string {
  return user === null ? "" : `, by ${user.username}`;
}

/** As git shortens an object id. */
const SHORT_OID = 10;

function describeRef({
  outcome,
  ref,
  old_oid,
  new_oid,
}: MirrorUpdateAnswer["refs"][number]): readonly string[] {
  return [outcome, ref, old_oid?.slice(0, SHORT_OID) ?? "-", new_oid?.slice(0, SHORT_OID) ?? "-"];
}

/** Whole sentences, below the table: they would not fit into it. */
function describeReasons(refs: MirrorUpdateAnswer["refs"]): readonly string[] {
  const lines = refs.flatMap(({ ref, message, fix }) =>
    message === null
      ? []
      : [`${plain(ref)}: ${plain(message)}`, ...(fix === null ? [] : [`  ${plain(fix)}`])],
  );
  return lines.length === 0 ? [] : ["", ...lines];
}
