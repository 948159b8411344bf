import type { Command } from "commander";
import type { CommonFlags } from "../../connection/api-access.ts";
import { addServerCommand, describeUse, SERVER_HELP } from "../../server-command.ts";
import type { AuditFlags } from "./audit.ts";
import type { CreateTokenFlags } from "./create-token.ts";

/** Declares the commands of `heliostat admin`. What they do is loaded when one of them runs. */
export function declareAdmin(admin: Command): void {
  admin.addHelpText("after", SERVER_HELP);
  addServerCommand(
    admin,
    "rotate-secrets",
    "make a new key in the secrets file, and seal every stored secret with it",
  )
    .option("--remove-old-keys", "take keys out of the file that seal nothing any more")
    .addHelpText(
      "after",
      describeUse(
        "Old keys stay in the file unless told: a backup of the database from before opens with them only. The token must be an admin's. Exit codes: 0 done, 1 failed or some secrets cannot be opened, 2 usage.",
        "admin rotate-secrets",
      ),
    )
    .action(async (flags: CommonFlags & { removeOldKeys?: boolean }) => {
      const { rotateSecrets } = await import("./rotate-secrets.ts");
      process.exitCode = await rotateSecrets(flags);
    });

  admin
    .command("reset-password <user>")
    .description("give a user another password, on the machine of the server, also when nobody can sign in")
    .option("--password-stdin", "read it from standard input; else it is asked for")
    .addHelpText(
      "after",
      describeUse(
        `${ON_THE_DATABASE} All sessions of the user end; their access tokens stay. Exit codes: 0 done, 1 failed, 2 usage or a password that is too weak.`,
        "admin reset-password root --password-stdin < password.txt",
      ),
    )
    .action(async (username: string, flags: { passwordStdin?: boolean }) => {
      const { resetPasswordOf } = await import("./reset-password.ts");
      process.exitCode = await resetPasswordOf(username, flags);
    });

  addServerCommand(admin, "create-token", "make a personal access token, and print its secret")
    .requiredOption("--user <name>", "whose it is to be")
    .requiredOption("--scopes <list>", "what it may be used for, with commas: api,read_repository")
    .option("--name <name>", "what it is called in lists", "by heliostat admin create-token")
    .option("--expires-at <day>", "the first day without it: 2030-01-31; never, unless told")
    .addHelpText(
      "after",
      describeUse(
        "Nothing else is printed on standard output. It may do no more than the token that is used to make it.",
        "admin create-token --user ada --scopes read_api > token.txt",
      ),
    )
    .action(async (flags: CreateTokenFlags) => {
      const { createToken } = await import("./create-token.ts");
      process.exitCode = await createToken(flags);
    });

  admin
    .command("disable-two-factor <user>")
    .description("take somebody's second factor away, on the machine of the server, when it is lost")
    .addHelpText(
      "after",
      describeUse(
        `${ON_THE_DATABASE} Exit codes: 0 done, 1 failed or there was none, 2 usage.`,
        "admin disable-two-factor ada",
      ),
    )
    .action(async (username: string) => {
      const { disableTwoFactorOf } = await import("./disable-two-factor.ts");
      process.exitCode = await disableTwoFactorOf(username);
    });

  addServerCommand(admin, "audit", "list who did what, the newest first; or export all of it")
    .option("--since <when>", "from this day (2027-01-31) or time on")
    .option("--until <when>", "up to it")
    .option("--user <name>", "who did it")
    .option("--event <name>", "what was done: project-created, mirror-url-changed, ...")
    .option("--project <path>", "what is filed under this project")
    .option("--group <path>", "what is filed under this group")
    .option("--limit <number>", "so many at most", "50")
    .option("--export <format>", "csv or ndjson, on standard output: all that match, the oldest first")
    .addHelpText(
      "after",
      describeUse("The token must be an admin's.", "admin audit --since 2027-01-01 --export csv > audit.csv"),
    )
    .action(async (flags: AuditFlags) => {
      const { printAudit } = await import("./audit.ts");
      process.exitCode = await printAudit(flags);
    });
}

const ON_THE_DATABASE =
  "It works on the database itself, so that no token is needed: run it as the user that the server runs as, with the " +
  "server's variables. The server may run or not.";
