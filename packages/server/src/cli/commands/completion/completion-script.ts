import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { CommandEntry, OperandKind } from "./command-table.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What a shell has to read to complete the words of heliostat. The commands are written out in it, so that completing
 * one starts no process; only the names of projects, groups and users are asked of the server.
 */
export async function completionScript(shell: Shell, table: readonly CommandEntry[]): Promise<string> {
  switch (shell) {
    case "bash":
      return await bashScript(table);
    case "zsh":
      // Its own way needs a file in the right folder; this one works wherever it is read.
      return `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${await bashScript(table)}`;
    case "fish":
      return `${await readScript("heliostat.fish")}${table.flatMap(fishLines).join("\n")}\n`;
  }
}

async function readScript(name: string): Promise<string> {
  return await readFile(fileURLToPath(new URL(name, import.meta.url)), "utf8");
}

async function bashScript(table: readonly CommandEntry[]): Promise<string> {
  return `${await readScript("heliostat.bash")}
_heliostat_know() {
  case "$1" in
${table.map(bashCase).join("\n")}
    *) _heliostat_commands=() _heliostat_options=() _heliostat_takers=() _heliostat_operands=() ;;
  esac
}

complete -o default -F _heliostat heliostat
`;
}

/** Names of commands and options are letters, digits and hyphens: nothing has to be quoted. */
function bashCase({ path, subcommands, options, operands }: CommandEntry): string {
  const takers = options.flatMap(({ name, value }) => (value === null ? [] : [`${name}=${value}`]));
  return `    "${path}")
      _heliostat_commands=(${subcommands.map(({ name }) => name).join(" ")})
      _heliostat_options=(${options.map(({ name }) => name).join(" ")})
      _heliostat_takers=(${takers.join(" ")})
      _heliostat_operands=(${operands.join(" ")}) ;;`;
}

function fishLines({ path, subcommands, options, operands }: CommandEntry): readonly string[] {
  const line = (condition: string, rest: string) => `complete -c heliostat -n '${condition}' ${rest}`;
  return [
    ...subcommands.map(({ name, description }) =>
      line(`__heliostat_at 0 ${path}`.trim(), `-a ${name} -d ${fishQuote(description)}`),
    ),
    ...options.map(({ name, description, value }) => {
      const values = value === null ? "" : ` ${fishValue(value)}`;
      const long = name.replace(/^--/, "");
      return line(`__heliostat_in ${path}`.trim(), `-l ${long}${values} -d ${fishQuote(description)}`);
    }),
    ...operands.flatMap((kind, index) => {
      const words = fishWords(kind);
      return words === null ? [] : [line(`__heliostat_at ${index} ${path}`, words)];
    }),
  ];
}

/** `-x`: nothing but these; `-r -F`: a file. */
function fishValue(kind: OperandKind): string {
  return kind === "file" ? "-r -F" : `-x ${fishWords(kind) ?? ""}`.trim();
}

function fishWords(kind: OperandKind): string | null {
  switch (kind) {
    case "project":
    case "group":
    case "user":
      return `-a '(__heliostat_names ${kind})'`;
    case "shell":
      return `-a '${SHELLS.join(" ")}'`;
    case "file":
      return "-F";
    case "other":
      return null;
  }
}

function fishQuote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
