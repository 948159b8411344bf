import { createInterface } from "node:readline/promises";
import { text as readAll } from "node:stream/consumers";
import { HeliostatError } from "../domain/errors.ts";

/** All of standard input but its last line end; `parameter-invalid` when somebody would have to type it. */
export async function readPassword(command: string): Promise<string> {
  if (process.stdin.isTTY) {
    throw new HeliostatError(
      "parameter-invalid",
      `--password-stdin reads the password from a pipe or a file: ${command} … --password-stdin < token.txt`,
    );
  }
  const password = (await readAll(process.stdin)).replace(/\r?\n$/, "");
  if (password === "") throw new HeliostatError("parameter-invalid", "--password-stdin got nothing to read");
  return password;
}

/** Asks a person; `yes` says what `--yes` would do where nobody is there (`parameter-invalid`). */
export async function confirm(question: string, yes: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new HeliostatError("parameter-invalid", `Nobody is here to ask: add --yes to ${yes}.`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
