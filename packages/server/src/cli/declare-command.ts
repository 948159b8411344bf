import type { Command } from "commander";

/** Makes the whole command line, with every command declared. */
export type MakeWhole = () => Promise<Command>;

/** Declares options and subcommands on a command that has no more than its name so far. */
export type DeclareCommand = (command: Command, makeWhole: MakeWhole) => void;
