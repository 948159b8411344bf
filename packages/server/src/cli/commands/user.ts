import {
  type FullUserAnswer,
  fullUserSchema,
  type PublicUserAnswer,
  publicUserSchema,
} from "@heliostat/contract/api/users.ts";
import type { Command } from "commander";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import { findUserId } from "../connection/find.ts";
import { given, queryOf, requireSome } from "../parse-options.ts";
import { addServerCommand, examples, SERVER_HELP } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { formatTime } from "../terminal/format-time.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { facts, table } from "../terminal/table.ts";
import { askNewPassword, readPassword } from "../terminal/terminal-input.ts";

interface ListFlags extends CommonFlags {
  readonly search?: string;
  readonly active?: boolean;
  readonly blocked?: boolean;
  readonly admins?: boolean;
  readonly bots?: boolean;
}

interface CreateFlags extends CommonFlags {
  readonly email: string;
  readonly name?: string;
  readonly admin?: boolean;
  readonly passwordStdin?: boolean;
}

interface EditFlags extends CommonFlags {
  readonly name?: string;
  readonly email?: string;
  readonly username?: string;
  readonly admin?: boolean;
}

const WHO = "by user name or id";

/** Declares the commands of `heliostat user`. */
export function declareUser(user: Command): void {
  user.addHelpText("after", SERVER_HELP);

  addServerCommand(user, "list", "list the users")
    .option("--search <text>", "only those whose name or user name holds this")
    .option("--active", "only those who may sign in")
    .option("--blocked", "only those who are blocked")
    .option("--admins", "only admins")
    .option("--bots", "the identities of projects and tokens, too")
    .addHelpText("after", examples("user list --search ada"))
    .action(async (flags: ListFlags) => {
      const query = queryOf({
        search: flags.search,
        active: flags.active,
        blocked: flags.blocked,
        admins: flags.admins,
        without_project_bots: flags.bots ? false : undefined,
      });
      const api = await connect(flags);
      const answers = await api.list(`/users${query}`);
      printAnswer(flags, answers, () => describeUsers(publicUserSchema.array().parse(answers)));
    });

  addServerCommand(user, "show <user>", `show a user (${WHO})`)
    .addHelpText("after", examples("user show ada"))
    .action(async (name: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answer = await api.call("GET", `/users/${await findUserId(api, name)}`);
      printAnswer(flags, answer, () => describeUser(answer));
    });

  addServerCommand(user, "create <username>", "make a user; for admins")
    .requiredOption("--email <address>", "where their mail goes")
    .option("--name <text>", "what they are called; the user name, unless told")
    .option("--admin", "as an admin")
    .option("--password-stdin", "read their password from standard input; else it is asked for")
    .addHelpText("after", examples("user create ada --email ada@example.com --name 'Ada Lovelace'"))
    .action(createUser);

  addServerCommand(user, "edit <user>", `change a user (${WHO}); for admins`)
    .option("--name <text>", "what they are called")
    .option("--email <address>", "where their mail goes")
    .option("--username <name>", "the clone URLs of their projects change at once")
    .option("--admin", "let them be an admin")
    .option("--no-admin", "let them be no admin any more")
    .addHelpText("after", examples("user edit ada --admin"))
    .action(async (name: string, flags: EditFlags) => {
      const parameters = given({
        name: flags.name,
        email: flags.email,
        username: flags.username,
        admin: flags.admin,
      });
      requireSome(parameters);
      const api = await connect(flags);
      const answer = await api.call("PUT", `/users/${await findUserId(api, name)}`, parameters);
      printAnswer(flags, answer, () => describeUser(answer));
    });

  addServerCommand(user, "block <user>", `keep a user out from now on, by every door (${WHO}); for admins`)
    .addHelpText("after", examples("user block ada"))
    .action((name: string, flags: CommonFlags) => setBlocked(name, flags, "block"));

  addServerCommand(user, "unblock <user>", `let a blocked user in again (${WHO}); for admins`)
    .addHelpText("after", examples("user unblock ada"))
    .action((name: string, flags: CommonFlags) => setBlocked(name, flags, "unblock"));

  addServerCommand(user, "delete <user>", `remove a user for good (${WHO}); for admins`)
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("user delete ada"))
    .action(async (name: string, flags: CommonFlags & { readonly yes?: boolean }) => {
      const api = await connect(flags);
      const path = `/users/${await findUserId(api, name)}`;
      const answer = await api.call("GET", path);
      const { id, username } = publicUserSchema.parse(answer);
      const question = "Remove them for good? To keep them out only, block them.";
      if (!(await confirmRemoval(flags, `User ${id}: ${plain(username)}`, question))) return;
      await api.call("DELETE", path);
      printAnswer(flags, answer, () => `User ${id} removed: ${plain(username)}`);
    });
}

async function createUser(username: string, flags: CreateFlags): Promise<void> {
  const api = await connect(flags);
  const password = flags.passwordStdin
    ? await readPassword("heliostat user create")
    : await askNewPassword(`Password for ${plain(username)}: `);
  const answer = await api.call("POST", "/users", {
    username,
    name: flags.name ?? username,
    email: flags.email,
    password,
    ...given({ admin: flags.admin }),
  });
  printAnswer(flags, answer, () => {
    const { id, username: made } = publicUserSchema.parse(answer);
    return `User ${id} made: ${plain(made)}`;
  });
}

async function setBlocked(name: string, flags: CommonFlags, verb: "block" | "unblock"): Promise<void> {
  const api = await connect(flags);
  const answer = await api.call("POST", `/users/${await findUserId(api, name)}/${verb}`);
  printAnswer(flags, answer ?? {}, () => `${plain(name)} is ${verb}ed.`);
}

function describeUsers(users: readonly PublicUserAnswer[]): string {
  if (users.length === 0) return "There are no users.";
  return table([
    ["ID", "USER", "NAME", "STATE"],
    ...users.map((each) => [
      String(each.id),
      each.username,
      each.name,
      each.bot ? `${each.state} (bot)` : each.state,
    ]),
  ]);
}

/** What admins and the users themselves are told is more. */
function describeUser(answer: unknown): string {
  const user = publicUserSchema.parse(answer);
  const full = fullUserSchema.safeParse(answer).data;
  return facts([
    ["User", `${user.id}: ${user.username}`],
    ["Name", user.name],
    ["State", user.bot ? `${user.state} (bot)` : user.state],
    ...(full === undefined ? [] : describeFully(full)),
    ["Address", user.web_url],
  ]);
}

function describeFully(full: FullUserAnswer): readonly (readonly [string, string])[] {
  return [
    ["Mail", full.email],
    ["Admin", full.is_admin ? "yes" : "no"],
    ["Second factor", full.two_factor_enabled ? "yes" : "no"],
    ["Created", formatTime(full.created_at)],
  ];
}
