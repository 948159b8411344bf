import type { Command } from "commander";
import { z } from "zod";
import { HeliostatError } from "../../domain/errors.ts";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import { nearest } from "../connection/nearest.ts";
import { addServerCommand, examples, SERVER_HELP } from "../server-command.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { facts } from "../terminal/table.ts";

const settingsSchema = z.record(z.string(), z.unknown());
type SettingsAnswer = z.infer<typeof settingsSchema>;

const PATH = "/application/settings";

/** Declares the commands of `heliostat settings`. */
export function declareSettings(settings: Command): void {
  settings.addHelpText("after", `\ndocs/mirroring.md says what each setting does.\n${SERVER_HELP}`);

  addServerCommand(
    settings,
    "show [names...]",
    "show the settings of the instance, or those named; for admins",
  )
    .addHelpText("after", examples("settings show", "settings show mirror_max_capacity"))
    .action(async (names: readonly string[], flags: CommonFlags) => {
      const api = await connect(flags);
      const all = settingsSchema.parse(await api.call("GET", PATH));
      const shown = names.length === 0 ? all : pick(all, names);
      printAnswer(flags, shown, () => describeSettings(shown));
    });

  addServerCommand(
    settings,
    "set <assignments...>",
    "change settings of the instance, all at once; for admins",
  )
    .addHelpText(
      "after",
      `\nEach as NAME=VALUE; a list has commas, and an empty value empties it.\n${examples(
        "settings set mirror_max_capacity=50 silent_mode_enabled=false",
        "settings set outbound_local_requests_whitelist=10.0.0.7,git.internal",
      )}`,
    )
    .action(async (assignments: readonly string[], flags: CommonFlags) => {
      const wanted = Object.fromEntries(assignments.map(readAssignment));
      const api = await connect(flags);
      // The server ignores a name that it does not know, as GitLab does.
      const before = settingsSchema.parse(await api.call("GET", PATH));
      pick(before, Object.keys(wanted));
      const answer = settingsSchema.parse(await api.call("PUT", PATH, wanted));
      printAnswer(flags, answer, () => describeSettings(pick(answer, Object.keys(wanted))));
    });
}

function readAssignment(text: string): readonly [string, string] {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new HeliostatError(
    "parameter-invalid",
    `${plain(text)} is not NAME=VALUE, such as mirror_max_capacity=50`,
  );
}

function pick(all: SettingsAnswer, names: readonly string[]): SettingsAnswer {
  for (const name of names) {
    if (Object.hasOwn(all, name)) continue;
    const close = nearest(name, Object.keys(all));
    const advice =
      close.length === 0 ? "heliostat settings show lists all." : `Did you mean ${close.join(" or ")}?`;
    throw new HeliostatError("parameter-invalid", `There is no setting ${plain(name)}. ${advice}`);
  }
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

function describeSettings(settings: SettingsAnswer): string {
  return facts(
    Object.entries(settings).map(([name, value]) => [
      name,
      Array.isArray(value)
        ? value.join(", ") || "-"
        : typeof value === "string"
          ? value
          : JSON.stringify(value),
    ]),
  );
}
