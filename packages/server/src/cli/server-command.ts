import type { Command } from "commander";

/** Where a command finds its server and its token; after the help of a group of commands. */
export const SERVER_HELP = `
The server is --url, HELIOSTAT_URL, or the one of this machine. The token is read from --token-file, from
HELIOSTAT_TOKEN or, for the server of this machine, from where root's token is. Exit codes: 0 done, 1 failed, 2 usage.`;

/** A subcommand that speaks to a server, with the options that all of these have (`CommonFlags`). */
export function addServerCommand(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("--url <url>", "address of the server")
    .option("--token-file <path>", "file that holds the token and nothing else")
    .option("--json", "print JSON");
}
