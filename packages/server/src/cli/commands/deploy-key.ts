import { type ProjectDeployKeyAnswer, projectDeployKeySchema } from "@heliostat/contract/api/ssh-keys.ts";
import type { Command } from "commander";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import type { ApiClient } from "../connection/api-client.ts";
import { findByIdOrName, projectPath } from "../connection/find.ts";
import { given, readTextFile, requireSome } from "../parse-options.ts";
import { addServerCommand, examples, SERVER_HELP } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { formatTime } from "../terminal/format-time.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { table } from "../terminal/table.ts";
import { titleOf } from "./ssh-key.ts";

interface DeployKeyFlags extends CommonFlags {
  readonly title?: string;
  readonly canPush?: boolean;
  readonly expires?: string;
}

/** Declares the commands of `heliostat deploy-key`. */
export function declareDeployKey(deployKey: Command): void {
  deployKey.addHelpText("after", SERVER_HELP);

  addServerCommand(deployKey, "list <project>", "list the deploy keys of a project")
    .addHelpText("after", examples("deploy-key list team/hello"))
    .action(async (project: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answers = await api.list(keysPath(project));
      printAnswer(flags, answers, () => describeKeys(projectDeployKeySchema.array().parse(answers)));
    });

  addServerCommand(
    deployKey,
    "add <project> <file>",
    "let the public key of a file fetch; - for standard input",
  )
    .option("--can-push", "let it push, too")
    .option("--title <text>", "what it is called; its comment, unless told")
    .option("--expires <when>", "day (2030-01-31) or time from which it opens nothing; never, unless told")
    .addHelpText("after", examples("deploy-key add team/hello deploy.pub --title 'build server'"))
    .action(async (project: string, file: string, flags: DeployKeyFlags) => {
      const key = (await readTextFile("FILE", file)).trim();
      const api = await connect(flags);
      const answer = await api.call("POST", keysPath(project), {
        key,
        title: flags.title ?? titleOf(key),
        can_push: flags.canPush ?? false,
        ...given({ expires_at: flags.expires }),
      });
      printAnswer(flags, answer, () => describeKey("added", projectDeployKeySchema.parse(answer)));
    });

  addServerCommand(deployKey, "edit <project> <key>", "change a deploy key, by id or title")
    .option("--title <text>", "what it is called")
    .option("--can-push", "let it push, too")
    .option("--no-can-push", "let it only fetch")
    .addHelpText("after", examples("deploy-key edit team/hello 'build server' --no-can-push"))
    .action(async (project: string, name: string, flags: DeployKeyFlags) => {
      const parameters = given({ title: flags.title, can_push: flags.canPush });
      requireSome(parameters);
      const api = await connect(flags);
      const { id } = await findKey(api, project, name);
      const answer = await api.call("PUT", `${keysPath(project)}/${id}`, parameters);
      printAnswer(flags, answer, () => describeKey("changed", projectDeployKeySchema.parse(answer)));
    });

  addServerCommand(
    deployKey,
    "enable <project> <id>",
    "let a deploy key of another project open this one, too",
  )
    .addHelpText("after", examples("deploy-key enable team/hello 7"))
    .action(async (project: string, id: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answer = await api.call("POST", `${keysPath(project)}/${encodeURIComponent(id)}/enable`);
      printAnswer(flags, answer, () => describeKey("enabled", projectDeployKeySchema.parse(answer)));
    });

  addServerCommand(
    deployKey,
    "remove <project> <key>",
    "take a deploy key away from a project, by id or title",
  )
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("deploy-key remove team/hello 'build server'"))
    .action(async (project: string, name: string, flags: CommonFlags & { readonly yes?: boolean }) => {
      const api = await connect(flags);
      const answer = await findKey(api, project, name);
      const what = `Deploy key ${answer.id} of ${plain(project)}: ${plain(answer.title)}`;
      if (!(await confirmRemoval(flags, what, "Remove it?"))) return;
      await api.call("DELETE", `${keysPath(project)}/${answer.id}`);
      printAnswer(flags, answer, () => describeKey("removed", answer));
    });
}

function keysPath(project: string): string {
  return `${projectPath(project)}/deploy_keys`;
}

async function findKey(api: ApiClient, project: string, name: string): Promise<ProjectDeployKeyAnswer> {
  const keys = projectDeployKeySchema.array().parse(await api.list(keysPath(project)));
  return findByIdOrName("deploy key", name, keys, ({ title }) => title);
}

function describeKey(done: string, { id, title, fingerprint_sha256 }: ProjectDeployKeyAnswer): string {
  return `Deploy key ${id} ${done}: ${plain(title)} (${fingerprint_sha256})`;
}

function describeKeys(keys: readonly ProjectDeployKeyAnswer[]): string {
  if (keys.length === 0) return "There are no deploy keys.";
  return table([
    ["ID", "TITLE", "FINGERPRINT", "MAY PUSH", "EXPIRES", "LAST USED"],
    ...keys.map((each) => [
      String(each.id),
      each.title,
      each.fingerprint_sha256,
      each.can_push ? "yes" : "no",
      formatTime(each.expires_at),
      formatTime(each.last_used_at),
    ]),
  ]);
}
