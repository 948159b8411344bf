import { type MemberAnswer, memberSchema } from "@heliostat/contract/api/members.ts";
import type { Command } from "commander";
import { HeliostatError } from "../../domain/errors.ts";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import type { ApiClient } from "../connection/api-client.ts";
import { findUserId } from "../connection/find.ts";
import { describeRole, given, parseRole, ROLE_WORDS, requireSome } from "../parse-options.ts";
import { addServerCommand, examples } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { table } from "../terminal/table.ts";

/** What members are of. */
export interface MembersOf {
  readonly what: "project" | "group";
  /** Where the API has it. */
  readonly pathOf: (name: string) => string;
  /** A name of one, for examples. */
  readonly example: string;
}

interface MemberFlags extends CommonFlags {
  readonly role?: string;
  readonly expires?: string;
}

/** Adds `members` to the commands of projects or groups. */
export function addMemberCommands(parent: Command, { what, pathOf, example }: MembersOf): void {
  const members = parent
    .command("members")
    .description("who is a member, and in which role")
    .helpCommand(false);
  const path = (name: string, all = false) => `${pathOf(name)}/members${all ? "/all" : ""}`;

  addServerCommand(members, `list <${what}>`, "list the members, those of groups above included")
    .option("--direct", `only those of the ${what} itself`)
    .addHelpText("after", examples(`${what} members list ${example}`))
    .action(async (name: string, flags: CommonFlags & { readonly direct?: boolean }) => {
      const api = await connect(flags);
      const answers = await api.list(path(name, !flags.direct));
      printAnswer(flags, answers, () => describeMembers(memberSchema.array().parse(answers)));
    });

  addServerCommand(members, `add <${what}> <user>`, "make somebody a member, by user name or id")
    .requiredOption("--role <role>", ROLE_WORDS)
    .option("--expires <day>", "the first day without it: 2030-01-31; never, unless told")
    .addHelpText("after", examples(`${what} members add ${example} ada --role developer`))
    .action(async (name: string, user: string, flags: MemberFlags) => {
      const role = parseRole("--role", flags.role ?? "");
      const api = await connect(flags);
      const parameters = { user_id: await findUserId(api, user), access_level: role };
      const answer = await api.call("POST", path(name), {
        ...parameters,
        ...given({ expires_at: flags.expires }),
      });
      printAnswer(flags, answer, () => describeMember(memberSchema.parse(answer), name));
    });

  addServerCommand(members, `edit <${what}> <user>`, "give a member another role, or another last day")
    .option("--role <role>", ROLE_WORDS)
    .option("--expires <day>", "the first day without it: 2030-01-31; never: it stays")
    .addHelpText("after", examples(`${what} members edit ${example} ada --role maintainer --expires never`))
    .action(async (name: string, user: string, flags: MemberFlags) => {
      const expires = flags.expires === "never" ? null : flags.expires;
      requireSome(given({ role: flags.role, expires }));
      const role = flags.role === undefined ? null : parseRole("--role", flags.role);
      const api = await connect(flags);
      const memberPath = `${path(name)}/${await findUserId(api, user)}`;
      const now = memberSchema.parse(await api.call("GET", memberPath).catch(explainNoMember(user, name)));
      const answer = await api.call("PUT", memberPath, {
        access_level: role ?? now.access_level,
        expires_at: expires === undefined ? now.expires_at : expires,
      });
      printAnswer(flags, answer, () => describeMember(memberSchema.parse(answer), name));
    });

  addServerCommand(members, `remove <${what}> <user>`, "take somebody's role away; you may leave yourself")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples(`${what} members remove ${example} ada`))
    .action(async (name: string, user: string, flags: CommonFlags & { readonly yes?: boolean }) => {
      const api = await connect(flags);
      const answer = await readMember(api, `${path(name)}/${await findUserId(api, user)}`, user, name);
      const { id, username, access_level } = answer;
      const question = what === "group" ? "Remove them, also from all that is below it?" : "Remove them?";
      const who = `${plain(username)}, ${describeRole(access_level)} of ${plain(name)}`;
      if (!(await confirmRemoval(flags, who, question))) return;
      await api.call("DELETE", `${path(name)}/${id}`);
      printAnswer(flags, answer, () => `${plain(username)} is no member of ${plain(name)} any more.`);
    });
}

async function readMember(api: ApiClient, path: string, user: string, name: string): Promise<MemberAnswer> {
  return memberSchema.parse(await api.call("GET", path).catch(explainNoMember(user, name)));
}

function explainNoMember(user: string, name: string): (error: unknown) => never {
  return (error) => {
    const isAboutMember = error instanceof HeliostatError && error.code === "not-found";
    if (!isAboutMember || /^(?:Project|Group) Not Found/.test(error.message)) throw error;
    throw new HeliostatError(
      "not-found",
      `${plain(user)} is no direct member of ${plain(name)}. Roles by a group above it are changed there.`,
    );
  };
}

function describeMembers(members: readonly MemberAnswer[]): string {
  if (members.length === 0) return "There are no members.";
  return table([
    ["ID", "USER", "NAME", "ROLE", "EXPIRES"],
    ...members.map((each) => [
      String(each.id),
      each.username,
      each.name,
      each.state === "blocked"
        ? `${describeRole(each.access_level)} (blocked)`
        : describeRole(each.access_level),
      each.expires_at ?? "-",
    ]),
  ]);
}

function describeMember({ username, access_level, expires_at }: MemberAnswer, name: string): string {
  const until = expires_at === null ? "" : `, until ${expires_at}`;
  return `${plain(username)} is ${describeRole(access_level)} of ${plain(name)} now${until}.`;
}
