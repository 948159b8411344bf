import type { Command } from "commander";
import type { CommonFlags } from "../../connection/api-access.ts";
import { addServerCommand, describeUse, examples, SERVER_HELP } from "../../server-command.ts";
import type { CredentialFlags, SecretFlags, TestFlags } from "./credential-commands.ts";

/** Declares the commands of `heliostat credential`. What they do is loaded when one of them runs. */
export function declareCredential(credential: Command): void {
  credential.addHelpText("after", SERVER_HELP);

  withSecret(
    addServerCommand(credential, "add <name>", "keep a new credential; a secret is never an argument"),
  )
    .option("--kind <word>", "password (the default; or a token) or ssh_key")
    .option("--namespace <path>", "user or group that it belongs to; you, unless told")
    .addHelpText(
      "after",
      examples(
        "credential add deploy-bot --username bot --password-stdin --expires 2027-01-31 < token.txt",
        "credential add deploy-key --kind ssh_key --username git",
      ),
    )
    .action(async (name: string, flags: CredentialFlags) => {
      const { addCredential } = await import("./credential-commands.ts");
      process.exitCode = await addCredential(name, flags);
    });

  addServerCommand(credential, "list", "list the credentials that you may see")
    .option("--search <text>", "only those whose name holds this")
    .addHelpText("after", examples("credential list --search bot"))
    .action(async (flags: CommonFlags & { search?: string }) => {
      const { listCredentials } = await import("./credential-commands.ts");
      process.exitCode = await listCredentials(flags);
    });

  addServerCommand(credential, "show <credential>", `show a credential and what uses it (${NAME})`)
    .addHelpText("after", examples("credential show deploy-bot"))
    .action(async (name: string, flags: CommonFlags) => {
      const { showCredential } = await import("./credential-commands.ts");
      process.exitCode = await showCredential(name, flags);
    });

  withSecret(
    addServerCommand(credential, "rotate <credential>", `put a new secret in place of the old one (${NAME})`),
  )
    .addHelpText(
      "after",
      describeUse(
        "All mirrors that use it go on with the new one. Of a key pair, a new one is made unless one is given; updates then fail until the hosts have its public key, and none is started. Without such a gap: add the public key of a pair of your own first, then give its private half with --key-file.",
        "credential rotate deploy-bot --password-stdin < token.txt",
      ),
    )
    .action(async (name: string, flags: SecretFlags) => {
      const { rotateCredential } = await import("./credential-commands.ts");
      process.exitCode = await rotateCredential(name, flags);
    });

  addServerCommand(credential, "remove <credential>", `remove a credential that no mirror uses (${NAME})`)
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("credential remove deploy-bot"))
    .action(async (name: string, flags: CommonFlags & { yes?: boolean }) => {
      const { removeCredential } = await import("./credential-commands.ts");
      process.exitCode = await removeCredential(name, flags);
    });

  addServerCommand(
    credential,
    "test <credential> <remote>",
    `say what a credential can do at a URL (${NAME})`,
  )
    .option("--direction <word>", "pull (the default): list refs; push: try an empty push too")
    .option("--host-keys <path>", "file with the host keys of an SSH server, in known_hosts form")
    .addHelpText("after", examples("credential test deploy-bot https://git.example.com/copy.git"))
    .action(async (name: string, remote: string, flags: TestFlags) => {
      const { testCredential } = await import("./credential-commands.ts");
      process.exitCode = await testCredential(name, remote, flags);
    });
}

const NAME = "by id or name";

function withSecret(command: Command): Command {
  return command
    .option("--username <name>", "user name that goes with it")
    .option("--password-stdin", "read the password or token from standard input")
    .option("--key-file <path>", "private key without a passphrase; a pair is made where none is given")
    .option("--key-type <word>", "of the pair that is made: ed25519 (the default) or rsa")
    .option("--expires <when>", "day (2027-01-31) or time from which it is of no use any more");
}
