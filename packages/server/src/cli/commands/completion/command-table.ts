import type { Argument, Command } from "commander";

/** What a shell has to know of one command to complete it. */
export interface CommandEntry {
  /** `project members add`; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly Described[];
  readonly options: readonly OptionEntry[];
  /** What each operand names, in their order. */
  readonly operands: readonly OperandKind[];
}

export interface Described {
  readonly name: string;
  readonly description: string;
}

export interface OptionEntry extends Described {
  /** What the word after it names; null: it takes none. */
  readonly value: OperandKind | null;
}

/** `project`, `group` and `user` are asked of the server, a `file` is looked for, of anything else nothing is known. */
export type OperandKind = "project" | "group" | "user" | "file" | "shell" | "other";

const KINDS: Readonly<Record<string, OperandKind>> = {
  project: "project",
  group: "group",
  user: "user",
  file: "file",
  path: "other",
  source: "file",
  target: "file",
  shell: "shell",
};

/** The whole program as a list, every command once. */
export function tableOf(program: Command): readonly CommandEntry[] {
  return collect(program, "");
}

function collect(command: Command, path: string): readonly CommandEntry[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command);
  const entry: CommandEntry = {
    path,
    subcommands: subcommands.map((each) => ({ name: each.name(), description: each.description() })),
    options: help.visibleOptions(command).map((option) => ({
      name: option.long ?? option.short ?? "",
      description: option.description,
      value:
        option.required || option.optional
          ? kindOf(/[<[]([\w-]+)/.exec(option.flags)?.[1] ?? "", option.long === "--token-file")
          : null,
    })),
    operands: command.registeredArguments.map((each: Argument) => kindOf(each.name(), false)),
  };
  return [entry, ...subcommands.flatMap((each) => collect(each, `${path} ${each.name()}`.trim()))];
}

function kindOf(word: string, isFile: boolean): OperandKind {
  return isFile ? "file" : (KINDS[word] ?? "other");
}
