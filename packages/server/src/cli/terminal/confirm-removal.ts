import { confirm } from "./terminal-input.ts";

/**
 * Whether what is to be lost may be: asks a person, who may answer for it with `--yes`. `what` is one line about the
 * thing, `question` what becomes of it.
 */
export async function confirmRemoval(
  flags: { readonly yes?: boolean },
  what: string,
  question: string,
): Promise<boolean> {
  if (flags.yes || (await confirm(`${what}\n${question} [y/N] `, "do it"))) return true;
  console.error("Nothing was changed.");
  process.exitCode = 1;
  return false;
}
