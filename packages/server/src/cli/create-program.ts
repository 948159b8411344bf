import { Command, Help, type Option } from "commander";
import { VERSION } from "../version.ts";
import { COMMAND_GROUPS } from "./command-groups.ts";
import { SERVER_OPTIONS } from "./server-command.ts";

const EXAMPLES = `
Examples:
  heliostat login https://git.example.com
  heliostat project create team/hello
  heliostat mirror add team/hello https://github.com/octocat/Hello-World.git \\
      --direction pull --wait
  heliostat mirror list

"heliostat help COMMAND" says more of each. --json is for scripts.
Exit codes: 0 done, 1 failed, 2 the command line or a value is wrong.`;

/**
 * The command line. Of a command only name and description are there until it is run, asked for help, or asked for by
 * `everything`, as completion needs it.
 */
export async function createProgram(everything: boolean): Promise<Command> {
  const program = new Command("heliostat")
    .description("Hosts Git repositories and keeps each one in step with its copies elsewhere.")
    .usage("<command> [options]")
    .version(VERSION)
    .exitOverride()
    .helpCommand(false)
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "heliostat: ")),
    })
    .showHelpAfterError("(add --help to see how it is used)")
    .configureHelp({ subcommandTerm: describeSubcommand, groupItems: serverOptionsLast })
    .addHelpText("after", EXAMPLES);
  for (const { name, usage, description, heading } of COMMAND_GROUPS) {
    const command = program
      .command(name, { hidden: heading === null })
      .description(description)
      .helpGroup(heading ?? "")
      .helpCommand(false);
    if (usage !== undefined) command.usage(usage);
  }
  program.hook("preSubcommand", async (_, command) => await declare(command));
  if (everything) for (const command of program.commands) await declare(command);
  return program;
}

const declared = new WeakSet<Command>();

async function declare(command: Command): Promise<void> {
  if (declared.has(command)) return;
  declared.add(command);
  const group = COMMAND_GROUPS.find(({ name }) => name === command.name());
  (await group?.load())?.(command, () => createProgram(true));
}

/** `heliostat help mirror add` is `heliostat mirror add --help`. */
export function withoutHelpCommand(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  return first === "help" ? [...rest, "--help"] : args;
}

/** `add <project> <url>`: options would only repeat what every line says. */
function describeSubcommand(command: Command): string {
  const names = command.registeredArguments.map((each) => {
    const name = each.variadic ? `${each.name()}...` : each.name();
    return each.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...names].join(" ");
}

/** What every command has comes after what is its own. */
function serverOptionsLast<T extends Command | Option>(
  all: T[],
  visible: T[],
  groupOf: (item: T) => string,
): Map<string, T[]> {
  const groups = new Help().groupItems(all, visible, groupOf);
  const ofServer = groups.get(SERVER_OPTIONS);
  if (ofServer === undefined) return groups;
  groups.delete(SERVER_OPTIONS);
  return groups.set(SERVER_OPTIONS, ofServer);
}
