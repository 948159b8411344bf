import { VISIBILITIES } from "@heliostat/contract";
import { type GroupAnswer, groupSchema } from "@heliostat/contract/api/groups.ts";
import type { Command } from "commander";
import { HeliostatError } from "../../domain/errors.ts";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import { findGroupId, groupPath } from "../connection/find.ts";
import { given, parseRole, parseWord, queryOf, requireSome } from "../parse-options.ts";
import { addServerCommand, examples, SERVER_HELP } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { facts, table } from "../terminal/table.ts";
import { addMemberCommands } from "./members.ts";

interface ListFlags extends CommonFlags {
  readonly search?: string;
  readonly owned?: boolean;
  readonly minRole?: string;
}

interface GroupFlags extends CommonFlags {
  readonly name?: string;
  readonly description?: string;
  readonly visibility?: string;
}

/** Declares the commands of `heliostat group`. */
export function declareGroup(group: Command): void {
  group.addHelpText("after", SERVER_HELP);

  addServerCommand(group, "list", "list the groups that you may see")
    .option("--search <text>", "only those whose name or path holds this")
    .option("--owned", "only those that you own")
    .option("--min-role <role>", "only those where you are this or more, such as maintainer")
    .addHelpText("after", examples("group list --owned"))
    .action(async (flags: ListFlags) => {
      const query = queryOf({
        search: flags.search,
        owned: flags.owned,
        min_access_level: flags.minRole === undefined ? undefined : parseRole("--min-role", flags.minRole),
        order_by: "path",
      });
      const api = await connect(flags);
      const answers = await api.list(`/groups${query}`);
      printAnswer(flags, answers, () => describeGroups(groupSchema.array().parse(answers)));
    });

  addServerCommand(group, "show <group>", "show a group, by id or full path")
    .addHelpText("after", examples("group show team/tools"))
    .action(async (name: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answer = await api.call("GET", groupPath(name));
      printAnswer(flags, answer, () => describeGroup(groupSchema.parse(answer)));
    });

  addServerCommand(group, "create <path>", "make a group: team at the top, team/tools below team")
    .option("--name <text>", "what it is called; the last part of PATH, unless told")
    .option("--description <text>", "what it is for")
    .option("--visibility <word>", `${VISIBILITIES.join(", ")}; private, unless told`)
    .addHelpText("after", examples("group create team --visibility internal", "group create team/tools"))
    .action(createGroup);

  addServerCommand(group, "edit <group>", "change a group, by id or full path")
    .option("--name <text>", "what it is called")
    .option("--path <word>", "the last part of its path: all clone URLs below it change at once")
    .option("--description <text>", "what it is for")
    .option("--visibility <word>", VISIBILITIES.join(", "))
    .addHelpText("after", examples('group edit team --name "The team"'))
    .action(async (name: string, flags: GroupFlags & { readonly path?: string }) => {
      const parameters = { ...readDetails(flags), ...given({ path: flags.path }) };
      requireSome(parameters);
      const api = await connect(flags);
      const answer = await api.call("PUT", groupPath(name), parameters);
      printAnswer(flags, answer, () => describeGroup(groupSchema.parse(answer)));
    });

  addServerCommand(group, "delete <group>", "remove a group in which nothing is left")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("group delete team/tools"))
    .action(async (name: string, flags: CommonFlags & { readonly yes?: boolean }) => {
      const api = await connect(flags);
      const answer = await api.call("GET", groupPath(name));
      const { id, full_path: path } = groupSchema.parse(answer);
      if (!(await confirmRemoval(flags, `Group ${id}: ${plain(path)}`, "Remove it?"))) return;
      await api.call("DELETE", groupPath(String(id)));
      printAnswer(flags, answer, () => `Group ${id} removed: ${plain(path)}`);
    });

  addMemberCommands(group, { what: "group", pathOf: groupPath, example: "team" });
}

async function createGroup(path: string, flags: GroupFlags): Promise<void> {
  const slash = path.lastIndexOf("/");
  const last = path.slice(slash + 1);
  if (last === "" || slash === 0) {
    throw new HeliostatError("parameter-invalid", "PATH is a path such as team, or team/tools");
  }
  const details = readDetails(flags);
  const api = await connect(flags);
  const parent = slash < 0 ? {} : { parent_id: await findGroupId(api, path.slice(0, slash)) };
  const answer = await api.call("POST", "/groups", { name: last, path: last, ...parent, ...details });
  printAnswer(flags, answer, () => {
    const { id, full_path } = groupSchema.parse(answer);
    return `Group ${id} made: ${plain(full_path)}`;
  });
}

function readDetails({ name, description, visibility }: GroupFlags): Readonly<Record<string, unknown>> {
  return given({
    name,
    description,
    visibility: visibility === undefined ? undefined : parseWord("--visibility", visibility, VISIBILITIES),
  });
}

function describeGroups(groups: readonly GroupAnswer[]): string {
  if (groups.length === 0) return "There are no groups.";
  return table([
    ["ID", "GROUP", "NAME", "VISIBILITY", "DESCRIPTION"],
    ...groups.map((each) => [String(each.id), each.full_path, each.name, each.visibility, each.description]),
  ]);
}

function describeGroup({ id, full_path, name, description, visibility, web_url }: GroupAnswer): string {
  return facts([
    ["Group", `${id}: ${full_path}`],
    ["Name", name],
    ...(description === "" ? [] : [["Description", description] as const]),
    ["Visibility", visibility],
    ["Address", web_url],
  ]);
}
