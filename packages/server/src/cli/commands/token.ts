import { RESOURCE_TOKEN_SCOPES, TOKEN_SCOPES } from "@heliostat/contract";
import {
  type AccessTokenAnswer,
  accessTokenSchema,
  createdAccessTokenSchema,
  resourceTokenSchema,
} from "@heliostat/contract/api/access-tokens.ts";
import type { Command } from "commander";
import { HeliostatError } from "../../domain/errors.ts";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import type { ApiClient } from "../connection/api-client.ts";
import { findByIdOrName, findUserId, groupPath, projectPath } from "../connection/find.ts";
import { describeRole, given, parseRole, parseWord, queryOf, ROLE_WORDS } from "../parse-options.ts";
import { addServerCommand, describeUse, examples, SERVER_HELP } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { formatTime } from "../terminal/format-time.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer, printJson } from "../terminal/print.ts";
import { table } from "../terminal/table.ts";

/** Whose tokens: at most one of the three; yours where none is given. */
interface TokenFlags extends CommonFlags {
  readonly project?: string;
  readonly group?: string;
  readonly user?: string;
}

interface CreateFlags extends TokenFlags {
  readonly scopes: string;
  readonly expires?: string;
  readonly description?: string;
  readonly role?: string;
}

const SELF = "self";
const WHICH = 'by id or name, or "self" for the one that is used now';

/** Declares the commands of `heliostat token`. */
export function declareToken(token: Command): void {
  token.addHelpText("after", `\nWithout --project, --group and --user they are your own.\n${SERVER_HELP}`);

  withOwner(addServerCommand(token, "list", "list access tokens"))
    .option("--all", "those that are revoked or have expired, too")
    .addHelpText("after", examples("token list", "token list --project team/hello --all"))
    .action(listTokens);

  withOwner(addServerCommand(token, "create <name>", "make an access token, and print its secret, this once"))
    .requiredOption("--scopes <list>", `what it may be used for, with commas: ${TOKEN_SCOPES.join(", ")}`)
    .option("--expires <day>", "the first day without it: 2030-01-31; never, unless told")
    .option("--description <text>", "what it is for")
    .option("--role <role>", `what the bot of a project's or group's token is: ${ROLE_WORDS}`)
    .addHelpText(
      "after",
      describeUse(
        "Standard output is the secret and nothing else.",
        "token create laptop --scopes api --expires 2030-01-31 > token.txt",
        "token create ci --project team/hello --role developer --scopes write_repository",
      ),
    )
    .action(createToken);

  withOwner(addServerCommand(token, "rotate <token>", `give a token another secret, and print it (${WHICH})`))
    .option("--expires <day>", "the first day without it; in a week, unless told")
    .addHelpText(
      "after",
      `\nThe old secret is dead at once. Standard output is the new one and nothing else.\n${examples(
        "token rotate laptop --expires 2030-01-31 > token.txt",
      )}`,
    )
    .action(rotateToken);

  withOwner(addServerCommand(token, "revoke <token>", `put an end to a token (${WHICH})`))
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("token revoke laptop", "token revoke 12 --group team --yes"))
    .action(revokeToken);
}

function withOwner(command: Command): Command {
  return command
    .option("--project <project>", "those of a project, by id or full path")
    .option("--group <group>", "those of a group, by id or full path")
    .option("--user <user>", "somebody else's, by user name or id; for admins");
}

async function listTokens(flags: TokenFlags & { readonly all?: boolean }): Promise<void> {
  const owner = requireOneOwner(flags);
  const api = await connect(flags);
  const answers = await readTokens(api, flags, flags.all ? {} : { state: "active" });
  printAnswer(flags, answers, () => {
    if (answers.length === 0) return "There are no tokens.";
    return owner === null || owner === "user"
      ? describeTokens(accessTokenSchema.array().parse(answers), () => [])
      : describeTokens(resourceTokenSchema.array().parse(answers), (each) => [
          describeRole(each.access_level),
        ]);
  });
}

/** Which of the three flags is given. */
function requireOneOwner({ project, group, user }: TokenFlags): "project" | "group" | "user" | null {
  const [one = null, ...others] = Object.entries({ project, group, user }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (others.length > 0) {
    throw new HeliostatError("parameter-invalid", "--project, --group and --user exclude each other");
  }
  return one === "project" || one === "group" || one === "user" ? one : null;
}

async function readTokens(
  api: ApiClient,
  flags: TokenFlags,
  filter: { readonly state?: string },
): Promise<readonly unknown[]> {
  const path = resourcePath(flags);
  if (path !== null) return await api.list(`${path}${queryOf(filter)}`);
  // An admin's list has everybody's, unless it is told whose.
  const user = flags.user === undefined ? await readOwnId(api) : await findUserId(api, flags.user);
  return await api.list(`/personal_access_tokens${queryOf({ user_id: user, ...filter })}`);
}

async function readOwnId(api: ApiClient): Promise<number> {
  return accessTokenSchema.parse(await api.call("GET", "/personal_access_tokens/self")).user_id;
}

/** Where the tokens of a project or group are; null for those of a person. */
function resourcePath({ project, group }: TokenFlags): string | null {
  if (project !== undefined) return `${projectPath(project)}/access_tokens`;
  return group === undefined ? null : `${groupPath(group)}/access_tokens`;
}

async function createToken(name: string, flags: CreateFlags): Promise<void> {
  const owner = requireOneOwner(flags);
  const isOfResource = owner === "project" || owner === "group";
  const words = isOfResource ? RESOURCE_TOKEN_SCOPES : TOKEN_SCOPES;
  const scopes = flags.scopes.split(",").map((scope) => parseWord<string>("--scopes", scope.trim(), words));
  if (flags.role !== undefined && !isOfResource) {
    throw new HeliostatError("parameter-invalid", "--role is for tokens of a project or a group");
  }
  const role = flags.role === undefined ? undefined : parseRole("--role", flags.role);
  const api = await connect(flags);
  const user = flags.user === undefined ? null : await findUserId(api, flags.user);
  const path =
    resourcePath(flags) ??
    (user === null ? "/user/personal_access_tokens" : `/users/${user}/personal_access_tokens`);
  const parameters = {
    name,
    scopes,
    expires_at: flags.expires ?? null,
    ...given({ description: flags.description, access_level: role }),
  };
  printSecret(flags, await api.call("POST", path, parameters), "made");
}

async function rotateToken(name: string, flags: TokenFlags & { readonly expires?: string }): Promise<void> {
  requireOneOwner(flags);
  const api = await connect(flags);
  const path = await tokenPath(api, name, flags);
  printSecret(
    flags,
    await api.call("POST", `${path}/rotate`, given({ expires_at: flags.expires })),
    "rotated",
  );
}

/** What is to be read by eye goes to standard error: standard output may lead into a file. */
function printSecret(flags: CommonFlags, answer: unknown, done: string): void {
  if (flags.json) {
    printJson(answer);
    return;
  }
  const { id, name, expires_at, token } = createdAccessTokenSchema.parse(answer);
  const until = expires_at === null ? "it does not expire" : `good until ${expires_at}`;
  console.error(`Token ${id} ${done}: ${plain(name)}, ${until}. Its secret is shown this once:`);
  console.log(token);
}

async function revokeToken(name: string, flags: TokenFlags & { readonly yes?: boolean }): Promise<void> {
  requireOneOwner(flags);
  const api = await connect(flags);
  const path = await tokenPath(api, name, flags);
  const answer = accessTokenSchema.parse(await api.call("GET", path));
  const question = "Revoke it? Whatever uses it is let in no more.";
  if (!(await confirmRemoval(flags, `Token ${answer.id}: ${plain(answer.name)}`, question))) return;
  await api.call("DELETE", path);
  printAnswer(flags, answer, () => `Token ${answer.id} revoked: ${plain(answer.name)}`);
}

async function tokenPath(api: ApiClient, name: string, flags: TokenFlags): Promise<string> {
  const base = resourcePath(flags);
  // Whoever it belongs to.
  if (name === SELF) return `/personal_access_tokens/${SELF}`;
  const tokens = accessTokenSchema.array().parse(await readTokens(api, flags, { state: "active" }));
  const { id } = findByIdOrName("token that is good", name, tokens, (each) => each.name);
  return `${base ?? "/personal_access_tokens"}/${id}`;
}

function describeTokens<T extends AccessTokenAnswer>(
  tokens: readonly T[],
  roleOf: (each: T) => string[],
): string {
  const hasRoles = tokens.some((each) => roleOf(each).length > 0);
  return table([
    ["ID", "NAME", "SCOPES", ...(hasRoles ? ["ROLE"] : []), "STATE", "EXPIRES", "LAST USED"],
    ...tokens.map((each) => [
      String(each.id),
      each.name,
      each.scopes.join(","),
      ...roleOf(each),
      each.revoked ? "revoked" : each.active ? "active" : "expired",
      each.expires_at ?? "never",
      formatTime(each.last_used_at),
    ]),
  ]);
}
