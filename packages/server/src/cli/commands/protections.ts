import {
  type AccessLevelAnswer,
  type ProtectedBranchAnswer,
  protectedBranchSchema,
} from "@heliostat/contract/api/protected-branches.ts";
import { type ProtectedTagAnswer, protectedTagSchema } from "@heliostat/contract/api/protected-tags.ts";
import type { Command } from "commander";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import { projectPath, whereNotFound } from "../connection/find.ts";
import { given, parseWord, requireSome } from "../parse-options.ts";
import { addServerCommand, examples } from "../server-command.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { table } from "../terminal/table.ts";

/** Who may, by words; numbers are GitLab's. */
const LEVELS = { "no-one": 0, developers: 30, maintainers: 40, admins: 60 } as const;
const LEVEL_WORDS = ["no-one", "developers", "maintainers", "admins"] as const;
const WHO = "no-one, developers (and up), maintainers (and up; unless told), admins";

interface BranchFlags extends CommonFlags {
  readonly push?: string;
  readonly allowForcePush?: boolean;
}

/** Adds `protected-branches` and `protected-tags` to the commands of projects. */
export function addProtectionCommands(project: Command): void {
  const branches = project
    .command("protected-branches")
    .description("which branches are protected, and who may push to them")
    .helpCommand(false);
  const branchesPath = (name: string) => `${projectPath(name)}/protected_branches`;

  addServerCommand(branches, "list <project>", "list the protected branches")
    .addHelpText("after", examples("project protected-branches list team/hello"))
    .action(async (name: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answers = await api.list(branchesPath(name));
      printAnswer(flags, answers, () => describeBranches(protectedBranchSchema.array().parse(answers)));
    });

  addServerCommand(
    branches,
    "add <project> <branch>",
    "protect a branch, or all that a pattern such as release/* names",
  )
    .option("--push <who>", `who may push: ${WHO}`)
    .option("--allow-force-push", "who may push may force, too")
    .addHelpText("after", examples("project protected-branches add team/hello 'release/*' --push no-one"))
    .action(async (name: string, branch: string, flags: BranchFlags) => {
      const level = readLevel("--push", flags.push);
      const api = await connect(flags);
      const answer = await api.call("POST", branchesPath(name), {
        name: branch,
        push_access_level: level,
        allow_force_push: flags.allowForcePush ?? false,
      });
      printAnswer(flags, answer, () => describeBranches([protectedBranchSchema.parse(answer)]));
    });

  addServerCommand(
    branches,
    "edit <project> <branch>",
    "change who may push to a protected branch, and force",
  )
    .option("--push <who>", `who may push, in place of roles that may now: ${LEVEL_WORDS.join(", ")}`)
    .option("--allow-force-push", "who may push may force, too")
    .option("--no-allow-force-push", "nobody may force")
    .addHelpText("after", examples("project protected-branches edit team/hello main --no-allow-force-push"))
    .action(editBranch);

  addServerCommand(branches, "remove <project> <branch>", "protect it no longer")
    .addHelpText("after", examples("project protected-branches remove team/hello 'release/*'"))
    .action(async (name: string, branch: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const path = `${branchesPath(name)}/${encodeURIComponent(branch)}`;
      const answer = await api.call("DELETE", path).catch(explainUnprotected("branch", branch));
      printAnswer(flags, answer ?? {}, () => `${plain(branch)} is protected no longer.`);
    });

  const tags = project
    .command("protected-tags")
    .description("which tags are protected, and who may create them")
    .helpCommand(false);
  const tagsPath = (name: string) => `${projectPath(name)}/protected_tags`;

  addServerCommand(tags, "list <project>", "list the protected tags")
    .addHelpText("after", examples("project protected-tags list team/hello"))
    .action(async (name: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answers = await api.list(tagsPath(name));
      printAnswer(flags, answers, () => describeTags(protectedTagSchema.array().parse(answers)));
    });

  addServerCommand(tags, "add <project> <tag>", "protect a tag, or all that a pattern such as v* names")
    .option("--create <who>", `who may create it: ${WHO}`)
    .addHelpText("after", examples("project protected-tags add team/hello 'v*' --create maintainers"))
    .action(async (name: string, tag: string, flags: CommonFlags & { readonly create?: string }) => {
      const level = readLevel("--create", flags.create);
      const api = await connect(flags);
      const answer = await api.call("POST", tagsPath(name), { name: tag, create_access_level: level });
      printAnswer(flags, answer, () => describeTags([protectedTagSchema.parse(answer)]));
    });

  addServerCommand(tags, "remove <project> <tag>", "protect it no longer")
    .addHelpText("after", examples("project protected-tags remove team/hello 'v*'"))
    .action(async (name: string, tag: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const path = `${tagsPath(name)}/${encodeURIComponent(tag)}`;
      const answer = await api.call("DELETE", path).catch(explainUnprotected("tag", tag));
      printAnswer(flags, answer ?? {}, () => `${plain(tag)} is protected no longer.`);
    });
}

async function editBranch(name: string, branch: string, flags: BranchFlags): Promise<void> {
  const level = flags.push === undefined ? undefined : readLevel("--push", flags.push);
  requireSome(given({ level, force: flags.allowForcePush }));
  const api = await connect(flags);
  const path = `${projectPath(name)}/protected_branches/${encodeURIComponent(branch)}`;
  const before = await api.call("GET", path).catch(explainUnprotected("branch", branch));
  // Users, groups and deploy keys that may push besides stay.
  const roles = protectedBranchSchema
    .parse(before)
    .push_access_levels.filter((each) =>
      [each.user_id, each.group_id, each.deploy_key_id].every((id) => id === null),
    );
  const answer = await api.call("PATCH", path, {
    ...given({ allow_force_push: flags.allowForcePush }),
    ...(level === undefined || roles.some((each) => each.access_level === level && roles.length === 1)
      ? {}
      : { allowed_to_push: [{ access_level: level }, ...roles.map(({ id }) => ({ id, _destroy: true }))] }),
  });
  printAnswer(flags, answer, () => describeBranches([protectedBranchSchema.parse(answer)]));
}

function explainUnprotected(what: "branch" | "tag", name: string): (error: unknown) => never {
  const list = what === "tag" ? "protected-tags" : "protected-branches";
  return whereNotFound(`No rule is named ${plain(name)}: heliostat project ${list} list shows all.`);
}

function readLevel(option: string, word: string | undefined): number {
  return LEVELS[parseWord(option, word ?? "maintainers", LEVEL_WORDS)];
}

function describeBranches(branches: readonly ProtectedBranchAnswer[]): string {
  if (branches.length === 0) return "No branch is protected.";
  return table([
    ["BRANCH", "MAY PUSH", "MAY FORCE"],
    ...branches.map((each) => [
      each.name,
      describeWho(each.push_access_levels),
      each.allow_force_push ? "yes" : "no",
    ]),
  ]);
}

function describeTags(tags: readonly ProtectedTagAnswer[]): string {
  if (tags.length === 0) return "No tag is protected.";
  return table([
    ["TAG", "MAY CREATE"],
    ...tags.map((each) => [each.name, describeWho(each.create_access_levels)]),
  ]);
}

function describeWho(levels: readonly AccessLevelAnswer[]): string {
  return levels.map(({ access_level_description }) => access_level_description).join(", ") || "No one";
}
