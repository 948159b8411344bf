import { PUSHES_TO_MIRRORED_BRANCHES, VISIBILITIES } from "@heliostat/contract";
import { type ProjectAnswer, projectSchema } from "@heliostat/contract/api/projects.ts";
import type { Command } from "commander";
import { HeliostatError } from "../../domain/errors.ts";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import { findNamespaceId, findUserId, groupPath, projectPath } from "../connection/find.ts";
import { given, parseCount, parseRole, parseWord, queryOf, requireSome } from "../parse-options.ts";
import { addServerCommand, examples, SERVER_HELP } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { formatTime } from "../terminal/format-time.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { facts, table } from "../terminal/table.ts";
import { addMemberCommands } from "./members.ts";
import { addProtectionCommands } from "./protections.ts";

interface ListFlags extends CommonFlags {
  readonly search?: string;
  readonly group?: string;
  readonly owned?: boolean;
  readonly member?: boolean;
  readonly archived?: boolean;
  readonly visibility?: string;
  readonly minRole?: string;
  readonly limit?: string;
}

interface CreateFlags extends CommonFlags {
  readonly name?: string;
  readonly description?: string;
  readonly visibility?: string;
}

interface EditFlags extends CreateFlags {
  readonly path?: string;
  readonly defaultBranch?: string;
  readonly pushesToMirroredBranches?: string;
  readonly mirrorUser?: string;
  readonly maxFileSize?: string;
  readonly maxPushSize?: string;
  readonly maxRefs?: string;
  readonly repositorySizeLimit?: string;
}

/** Declares the commands of `heliostat project`. */
export function declareProject(project: Command): void {
  project.addHelpText("after", SERVER_HELP);

  addServerCommand(project, "list", "list the projects that you may see, those in use last first")
    .option("--search <text>", "only those whose name or path holds this")
    .option("--group <path>", "only those of this group and all groups below it")
    .option("--owned", "only those that you own")
    .option("--member", "only those of which you are a member")
    .option("--archived", "only archived ones")
    .option("--visibility <word>", `only those that are ${VISIBILITIES.join(", ")}`)
    .option("--min-role <role>", "only those where you are this or more, such as maintainer")
    .option("--limit <number>", "no more than so many")
    .addHelpText("after", examples("project list", "project list --group team --search hello"))
    .action(listProjects);

  addServerCommand(project, "show <project>", "show a project, by id or full path")
    .addHelpText("after", examples("project show team/hello"))
    .action(showProject);

  addServerCommand(
    project,
    "create <path>",
    "make a project: team/hello in a group, hello in your own namespace",
  )
    .option("--name <text>", "what it is called; the last part of PATH, unless told")
    .option("--description <text>", "what it is")
    .option("--visibility <word>", `${VISIBILITIES.join(", ")}; private, unless told`)
    .addHelpText(
      "after",
      `\nWhat it mirrors is set up next: heliostat mirror add.\n${examples('project create team/hello --description "Says hello"')}`,
    )
    .action(createProject);

  addServerCommand(project, "edit <project>", "change a project, by id or full path")
    .option("--name <text>", "what it is called")
    .option("--path <word>", "the last part of its path: its clone URLs change at once")
    .option("--description <text>", "what it is")
    .option("--visibility <word>", VISIBILITIES.join(", "))
    .option("--default-branch <name>", "a branch that is there")
    .option(
      "--pushes-to-mirrored-branches <word>",
      `what becomes of them: ${PUSHES_TO_MIRRORED_BRANCHES.join(", ")}`,
    )
    .option("--mirror-user <user>", "as whom its pull mirror writes")
    .optionsGroup("Limits, for admins (0: none; default: as the instance has it):")
    .option("--max-file-size <bytes>", "the largest file that a push may bring")
    .option("--max-push-size <bytes>", "the largest push")
    .option("--repository-size-limit <bytes>", "the largest repository")
    .option("--max-refs <number>", "as many branches and tags")
    .addHelpText("after", examples("project edit team/hello --visibility internal --default-branch trunk"))
    .action(editProject);

  addServerCommand(
    project,
    "delete <project>",
    "remove a project with its repository and its mirrors, for good",
  )
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("project delete team/hello"))
    .action(deleteProject);

  addServerCommand(
    project,
    "archive <project>",
    "let a project be read only: it takes no push, its mirrors rest",
  )
    .addHelpText("after", examples("project archive team/hello"))
    .action((name: string, flags: CommonFlags) => setArchived(name, flags, "archive"));

  addServerCommand(project, "unarchive <project>", "let an archived project live again")
    .addHelpText("after", examples("project unarchive team/hello"))
    .action((name: string, flags: CommonFlags) => setArchived(name, flags, "unarchive"));

  addServerCommand(
    project,
    "transfer <project> <namespace>",
    "move a project to another group or user, by full path",
  )
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("project transfer team/hello other-team"))
    .action(transferProject);

  addMemberCommands(project, {
    what: "project",
    pathOf: projectPath,
    example: "team/hello",
  });
  addProtectionCommands(project);
}

async function listProjects(flags: ListFlags): Promise<void> {
  const query = queryOf({
    search: flags.search,
    owned: flags.owned,
    membership: flags.member,
    archived: flags.archived,
    visibility:
      flags.visibility === undefined ? undefined : parseWord("--visibility", flags.visibility, VISIBILITIES),
    min_access_level: flags.minRole === undefined ? undefined : parseRole("--min-role", flags.minRole),
    include_subgroups: flags.group === undefined ? undefined : true,
    order_by: "last_activity_at",
  });
  const limit = flags.limit === undefined ? undefined : parseCount("--limit", flags.limit);
  const api = await connect(flags);
  const of = flags.group === undefined ? "" : groupPath(flags.group);
  const answers = await api.list(`${of}/projects${query}`, limit);
  printAnswer(flags, answers, () => describeProjects(projectSchema.array().parse(answers)));
}

function describeProjects(projects: readonly ProjectAnswer[]): string {
  if (projects.length === 0) return "There are no projects.";
  return table([
    ["ID", "PROJECT", "VISIBILITY", "STATE", "LAST ACTIVITY", "DESCRIPTION"],
    ...projects.map((each) => [
      String(each.id),
      each.path_with_namespace,
      each.visibility,
      stateOf(each),
      formatTime(each.last_activity_at),
      each.description ?? "",
    ]),
  ]);
}

function stateOf({ archived, empty_repo, mirror }: ProjectAnswer): string {
  if (archived) return "archived";
  if (mirror) return "pull mirror";
  return empty_repo ? "empty" : "-";
}

async function showProject(name: string, flags: CommonFlags): Promise<void> {
  const api = await connect(flags);
  const answer = await api.call("GET", projectPath(name));
  printAnswer(flags, answer, () => describeProject(projectSchema.parse(answer)));
}

function describeProject(project: ProjectAnswer): string {
  const limit = (size: number | null | undefined) => (size === null ? "as the instance" : String(size));
  return facts([
    ["Project", `${project.id}: ${project.path_with_namespace}`],
    ["Name", project.name],
    ...(project.description ? [["Description", project.description] as const] : []),
    ["Visibility", project.visibility],
    ["State", stateOf(project)],
    ["Default branch", project.default_branch ?? "-"],
    ["Clone over HTTP", project.http_url_to_repo],
    ...(project.ssh_url_to_repo === null ? [] : [["Clone over SSH", project.ssh_url_to_repo] as const]),
    ...(project.import_url ? [["Pulls from", project.import_url] as const] : []),
    ...(project.import_error ? [["Last error", project.import_error] as const] : []),
    ...(project.pushes_to_mirrored_branches === undefined
      ? []
      : [["Pushes to mirrored branches", project.pushes_to_mirrored_branches] as const]),
    ...(project.max_file_size === undefined
      ? []
      : [
          ["Max file size", limit(project.max_file_size)] as const,
          ["Max push size", limit(project.max_push_size)] as const,
          ["Max refs", limit(project.max_refs)] as const,
          ["Repository size limit", limit(project.repository_size_limit)] as const,
        ]),
    ["Created", formatTime(project.created_at)],
    ["Last activity", formatTime(project.last_activity_at)],
  ]);
}

async function createProject(path: string, flags: CreateFlags): Promise<void> {
  const slash = path.lastIndexOf("/");
  const last = path.slice(slash + 1);
  if (last === "" || slash === 0) {
    throw new HeliostatError("parameter-invalid", "PATH is a path such as team/hello, or hello alone");
  }
  const details = readDetails(flags);
  const api = await connect(flags);
  const namespace = slash < 0 ? {} : { namespace_id: await findNamespaceId(api, path.slice(0, slash)) };
  const parameters = { name: last, path: last, ...namespace, ...details };
  const answer = await api.call("POST", "/projects", parameters);
  printAnswer(flags, answer, () => {
    const project = projectSchema.parse(answer);
    return [
      `Project ${project.id} made: ${plain(project.path_with_namespace)}`,
      `Clone it: git clone ${plain(project.http_url_to_repo)}`,
      `Mirror something: heliostat mirror add ${plain(project.path_with_namespace)} URL --direction pull`,
    ].join("\n");
  });
}

function readDetails({ name, description, visibility }: CreateFlags): Readonly<Record<string, unknown>> {
  return given({
    name,
    description,
    visibility: visibility === undefined ? undefined : parseWord("--visibility", visibility, VISIBILITIES),
  });
}

async function editProject(name: string, flags: EditFlags): Promise<void> {
  const count = (option: string, text: string | undefined) =>
    text === "default" ? null : text === undefined ? undefined : parseCount(option, text);
  const pushes = flags.pushesToMirroredBranches;
  const parameters = {
    ...readDetails(flags),
    ...given({
      path: flags.path,
      default_branch: flags.defaultBranch,
      pushes_to_mirrored_branches:
        pushes === undefined
          ? undefined
          : parseWord("--pushes-to-mirrored-branches", pushes, PUSHES_TO_MIRRORED_BRANCHES),
      max_file_size: count("--max-file-size", flags.maxFileSize),
      max_push_size: count("--max-push-size", flags.maxPushSize),
      max_refs: count("--max-refs", flags.maxRefs),
      repository_size_limit: count("--repository-size-limit", flags.repositorySizeLimit),
    }),
  };
  requireSome({ ...parameters, ...given({ mirrorUser: flags.mirrorUser }) });
  const api = await connect(flags);
  const user =
    flags.mirrorUser === undefined ? {} : { mirror_user_id: await findUserId(api, flags.mirrorUser) };
  const answer = await api.call("PUT", projectPath(name), { ...parameters, ...user });
  printAnswer(flags, answer, () => describeProject(projectSchema.parse(answer)));
}

async function deleteProject(name: string, flags: CommonFlags & { readonly yes?: boolean }): Promise<void> {
  const api = await connect(flags);
  const answer = await api.call("GET", projectPath(name));
  const { id, path_with_namespace: path } = projectSchema.parse(answer);
  const what = `Project ${id}: ${plain(path)}`;
  const question = "Remove it for good, with its repository, its mirrors and their history?";
  if (!(await confirmRemoval(flags, what, question))) return;
  // By its id: the path may be another project's by now.
  await api.call("DELETE", projectPath(String(id)));
  printAnswer(flags, answer, () => `Project ${id} removed: ${plain(path)}`);
}

async function setArchived(name: string, flags: CommonFlags, verb: "archive" | "unarchive"): Promise<void> {
  const api = await connect(flags);
  const answer = await api.call("POST", `${projectPath(name)}/${verb}`);
  printAnswer(
    flags,
    answer,
    () => `Project ${verb}d: ${plain(projectSchema.parse(answer).path_with_namespace)}`,
  );
}

async function transferProject(
  name: string,
  namespace: string,
  flags: CommonFlags & { readonly yes?: boolean },
): Promise<void> {
  const api = await connect(flags);
  const { id, path_with_namespace: path } = projectSchema.parse(await api.call("GET", projectPath(name)));
  const what = `Project ${id}: ${plain(path)}`;
  const question = `Move it to ${plain(namespace)}? Its clone URLs change at once, and members of its group lose what they had by it.`;
  if (!(await confirmRemoval(flags, what, question))) return;
  const answer = await api.call("PUT", `${projectPath(String(id))}/transfer`, { namespace });
  printAnswer(
    flags,
    answer,
    () => `Project ${id} moved: ${plain(projectSchema.parse(answer).path_with_namespace)}`,
  );
}
