import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Command, CommanderError } from "commander";
import { readProcessSecrets } from "../config/secrets-in-environment.ts";
import { HeliostatError } from "../domain/errors.ts";
import { createRedactor } from "../domain/redact.ts";
import { VERSION } from "../version.ts";
import { addAdminCommands } from "./admin.ts";
import { addCredentialCommands } from "./credential.ts";
import { describeUnexpected } from "./log-fields.ts";
import { addMirrorCommands } from "./mirror.ts";
import { CHECKOUT_DIR } from "./places.ts";

/** 0: in step or done; 1: failed or diverged; 2: the command line, or the configuration, is wrong. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

// Types are stripped once and compiled code is kept: the next start is quicker and 20 MB smaller. Where the folder
// cannot be written nothing is kept, and nothing else changes.
enableCompileCache(join(CHECKOUT_DIR, "node_modules", ".cache", "compiled"));

// The heap's nursery stays as small as it starts. Node lets it grow to 48 MB of buffers that were used once: measured on
// a push of any size, 65 MB on top of 150 MB resident against 18 MB on top of 139 MB, in the same time.
setFlagsFromString("--semi-space-growth-factor=1");

const program = new Command("heliostat")
  .description("Hosts Git repositories and keeps each one in step with its copies elsewhere.")
  .version(VERSION)
  .exitOverride()
  .showHelpAfterError("(heliostat --help lists the commands)");

// Each command loads what it needs when it runs: `sync` must not pay for the server.
program
  .command("serve")
  .description("run the server: UI, API, Git over HTTP, and the mirrors")
  .option("--check", "only look whether the configuration can be used, and exit")
  .action(async (options: { check?: boolean }) => {
    const { serve } = await import("./serve.ts");
    process.exitCode = await serve({ check: options.check ?? false });
  });

program
  .command("config")
  .description("print the configuration and where each value comes from, with secrets masked")
  .option("--json", "as JSON")
  .action(async (options: { json?: boolean }) => {
    const { printConfig } = await import("./config.ts");
    printConfig({ json: options.json ?? false });
  });

program
  .command("sync")
  .description("make TARGET follow SOURCE once, without a server (paths or URLs)")
  .argument("<source>", "repository to mirror: a path or a URL")
  .argument(
    "<target>",
    "repository that follows it: the path of a bare repository, made when absent, or a URL",
  )
  .option("--json", "print one JSON document instead of lines")
  .option("--dry-run", "show what would change, and change no ref")
  .option("--keep-divergent-refs", "leave refs of the target alone that have diverged (exit code 1)")
  .option("--branches <regex>", "only branches whose name matches this RE2 expression; tags always follow")
  .addHelpText("after", "\nExit codes: 0 in step, 1 failed or diverged, 2 usage.")
  .action(
    async (
      source: string,
      target: string,
      options: { json?: boolean; dryRun?: boolean; keepDivergentRefs?: boolean; branches?: string },
    ) => {
      const { sync } = await import("./sync.ts");
      process.exitCode = await sync(source, target, {
        json: options.json ?? false,
        dryRun: options.dryRun ?? false,
        keepDivergentRefs: options.keepDivergentRefs ?? false,
        branches: options.branches ?? null,
      });
    },
  );

addMirrorCommands(program);
addCredentialCommands(program);
addAdminCommands(program);

const hideSecrets = createRedactor(readProcessSecrets());

// What nobody catches ends the process, as it does without us; but Node would print all that hangs on the error.
process.on("uncaughtException", (error) => {
  console.error(`heliostat: unexpected error: ${describeUnexpected(error, hideSecrets)}`);
  process.exit(EXIT_FAILED);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof HeliostatError && error.kind !== "bug") {
    console.error(`heliostat: ${hideSecrets(error.message)}`);
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
