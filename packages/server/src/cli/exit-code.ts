import { CommanderError } from "commander";
import { HeliostatError } from "../domain/errors.ts";
import { describeUnexpected } from "./log/log-fields.ts";

/**
 * 0: in step or done; 1: failed or diverged; 2: the command line, a value in it, or the configuration is wrong; 130, as
 * shells have it: Ctrl-C.
 */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

/** Says on standard error what went wrong, and answers the exit code. */
export function reportError(error: unknown, hideSecrets: (text: string) => string): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof HeliostatError && error.kind !== "bug") {
    console.error(`heliostat: ${hideSecrets(error.message)}`);
    if (error.kind === "cancelled") return EXIT_INTERRUPTED;
    return error.kind === "invalid" ? EXIT_USAGE : EXIT_FAILED;
  }
  const missing = missingPackageOf(error);
  if (missing === null)
    console.error(`heliostat: unexpected error: ${describeUnexpected(error, hideSecrets)}`);
  else console.error(`heliostat: the package ${missing} is missing. Run: rm -rf node_modules && npm start`);
  return EXIT_FAILED;
}

/** The package that an import did not find, whole or in part; null for every other error. */
function missingPackageOf(error: unknown): string | null {
  if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) return null;
  const [what = ""] = error.message.split(" imported from ");
  return /(?:package '|.*\/node_modules\/)((?:@[^/']+\/)?[^/']+)/.exec(what)?.[1] ?? null;
}
