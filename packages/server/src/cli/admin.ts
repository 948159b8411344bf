import type { Command } from "commander";
import type { CommonFlags } from "./mirror-flags.ts";

const SERVER_HELP = `
The server is --url, HELIOSTAT_URL, or the one of this machine; the token must be an admin's. It is read from
--token-file, from HELIOSTAT_TOKEN or, for the server of this machine, from where root's token is.`;

/** Adds `heliostat admin` and `heliostat doctor`. What they do is loaded when one of them runs. */
export function addAdminCommands(program: Command): void {
  const admin = program.command("admin").description("look after a server").addHelpText("after", SERVER_HELP);
  withAccess(
    admin
      .command("rotate-secrets")
      .description("make a new key in the secrets file, and seal every stored secret with it")
      .option("--remove-old-keys", "take keys out of the file that seal nothing any more")
      .addHelpText(
        "after",
        "\nOld keys stay in the file unless told: a backup of the database from before opens with them only." +
          "\nExit codes: 0 done, 1 failed or some secrets cannot be opened, 2 usage.",
      ),
  ).action(async (flags: CommonFlags & { removeOldKeys?: boolean }) => {
    const { rotateSecrets } = await import("./rotate-secrets.ts");
    process.exitCode = await rotateSecrets(flags);
  });

  withAccess(
    program
      .command("doctor")
      .description("say what is wrong with this server and its mirrors, and what to do about it")
      .addHelpText("after", `${SERVER_HELP}\nExit codes: 0 all is well, 1 something is to be done, 2 usage.`),
  ).action(async (flags: CommonFlags) => {
    const { examine } = await import("./doctor.ts");
    process.exitCode = await examine(flags);
  });
}

function withAccess(command: Command): Command {
  return command
    .option("--url <url>", "address of the server")
    .option("--token-file <path>", "file that holds the token and nothing else")
    .option("--json", "print JSON");
}
