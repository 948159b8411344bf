import { createInterface } from "node:readline/promises";
import { text as readAll } from "node:stream/consumers";
import { HeliostatError } from "../../domain/errors.ts";

/** All of standard input but its last line end; `parameter-invalid` when somebody would have to type it. */
export async function readPassword(command: string): Promise<string> {
  return await readSecret("--password-stdin", `${command} … --password-stdin < token.txt`);
}

/** The same for any option that says so; `example` is how it is used. */
export async function readSecret(option: string, example: string): Promise<string> {
  if (process.stdin.isTTY) {
    throw new HeliostatError("parameter-invalid", `${option} reads from a pipe or a file: ${example}`);
  }
  const secret = (await readAll(process.stdin)).replace(/\r?\n$/, "");
  if (secret === "") throw new HeliostatError("parameter-invalid", `${option} got nothing to read`);
  return secret;
}

/** Asks a person for one line; `parameter-invalid` where nobody is there. */
export async function ask(question: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new HeliostatError(
      "parameter-invalid",
      `Nobody is here to ask (${question.replace(/:? *$/, "")}): give it by an option, --help lists them.`,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  // Ctrl-C and Ctrl-D.
  terminal.on("SIGINT", () => terminal.close());
  terminal.on("close", () => reject(giveUp()));
  givenUp.catch(() => undefined);
  try {
    return (await Promise.race([terminal.question(question), givenUp])).trim();
  } finally {
    terminal.close();
  }
}

/** Asks a person; `yes` says what `--yes` would do where nobody is there (`parameter-invalid`). */
export async function confirm(question: string, yes: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new HeliostatError("parameter-invalid", `Nobody is here to ask: add --yes to ${yes}.`);
  }
  return /^y(es)?$/i.test(await ask(question));
}

const ENTER = /[\r\n]/;
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const BACKSPACE = /[\b\u007f]/;

/**
 * Asks a person for a new password, twice, and shows nothing of it. `parameter-invalid` where nobody is there, when the
 * two are not the same, and when they give up (Ctrl-C, Ctrl-D).
 */
export async function askNewPassword(question: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new HeliostatError(
      "parameter-invalid",
      "Nobody is here to ask: give the password with --password-stdin < password.txt.",
    );
  }
  const first = await askHidden(question);
  if (first !== (await askHidden("The same again: "))) {
    throw new HeliostatError("parameter-invalid", "The two are not the same. Nothing was changed.");
  }
  return first;
}

/** Asks a person for a secret, and shows nothing of it. `parameter-invalid` where nobody is there, or they give up. */
export async function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new HeliostatError(
      "parameter-invalid",
      `Nobody is here to ask (${question.replace(/:? *$/, "")}): give it by a pipe, --help says how.`,
    );
  }
  // In raw mode: then the terminal itself shows nothing.
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  // Only now: whoever sees the question may type, and must see nothing of it.
  stderr.write(question);
  let typed = "";
  try {
    return await new Promise<string>((resolve, reject) => {
      const done = (settle: () => void): void => {
        stdin.off("data", onData);
        settle();
      };
      const onData = (keys: string): void => {
        for (const key of keys) {
          if (ENTER.test(key)) {
            done(() => resolve(typed));
            return;
          }
          if (key === CTRL_C || key === CTRL_D) {
            done(() => reject(giveUp()));
            return;
          }
          typed = BACKSPACE.test(key) ? [...typed].slice(0, -1).join("") : typed + key;
        }
      };
      stdin.on("data", onData);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

function giveUp(): HeliostatError {
  return new HeliostatError("parameter-invalid", "Given up. Nothing was changed.");
}
