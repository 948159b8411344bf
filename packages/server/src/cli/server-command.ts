import type { Command } from "commander";

/** The heading of the options that all of these commands have, in their help. */
export const SERVER_OPTIONS = "Server and output:";

/** Where a command finds its server and its token; after the help of a group of commands. */
export const SERVER_HELP = `
The server is --url, HELIOSTAT_URL, the one that "heliostat login" remembers, or
the one of this machine. The token is read from --token-file, from
HELIOSTAT_TOKEN, from the login or, for the server of this machine, from where
root's is. Exit codes: 0 done, 1 failed, 2 the command line or a value is wrong.`;

/** A subcommand that speaks to a server, with the options that all of these have (`CommonFlags`). */
export function addServerCommand(parent: Command, usage: string, description: string): Command {
  return withServer(parent.command(usage).description(description));
}

/** The same for a command that is there already. */
export function withServer(command: Command): Command {
  return command
    .optionsGroup(SERVER_OPTIONS)
    .option("--url <url>", "address of the server")
    .option("--token-file <path>", "file that holds the token and nothing else")
    .option("--json", "print JSON, as the API has it")
    .optionsGroup("Options:");
}

/** What fits on a terminal. */
const WIDTH = 80;

/** A paragraph of a command's help, with a blank line before it. */
export function prose(text: string): string {
  return `\n${wrap(text, WIDTH, "\n")}`;
}

/** The end of a command's help: how it is used. A long line goes on in the next one, as a shell takes it. */
export function examples(...lines: readonly string[]): string {
  const heading = lines.length === 1 ? "Example" : "Examples";
  return `\n${heading}:\n${lines.map((line) => wrap(`  heliostat ${line}`, WIDTH - 2, " \\\n      ")).join("\n")}`;
}

/** Both: `describeUse("It does.", "project list")`. */
export function describeUse(text: string, ...lines: readonly string[]): string {
  return `${prose(text)}\n${examples(...lines)}`;
}

/** Breaks at blanks. */
function wrap(text: string, width: number, breakBy: string): string {
  const [first = "", ...others] = text.split(/(?<=\S) (?=\S)/);
  let column = first.length;
  let wrapped = first;
  for (const word of others) {
    if (column + 1 + word.length > width) {
      wrapped += `${breakBy}${word}`;
      column = breakBy.length - 1 - breakBy.indexOf("\n") + word.length;
    } else {
      wrapped += ` ${word}`;
      column += 1 + word.length;
    }
  }
  return wrapped;
}
