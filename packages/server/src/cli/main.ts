import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { readProcessSecrets } from "../config/secrets-in-environment.ts";
import { createRedactor } from "../domain/redact.ts";
import { createProgram, withoutHelpCommand } from "./create-program.ts";
import { reportError } from "./exit-code.ts";
import { CHECKOUT_DIR } from "./places.ts";

// Types are stripped once and compiled code is kept: the next start is quicker and 20 MB smaller. Where the folder
// cannot be written nothing is kept, and nothing else changes.
enableCompileCache(join(CHECKOUT_DIR, "node_modules", ".cache", "compiled"));

// The heap's nursery stays as small as it starts. Node lets it grow to 48 MB of buffers that were used once: measured on
// a push of any size, 65 MB on top of 150 MB resident against 18 MB on top of 139 MB, in the same time.
setFlagsFromString("--semi-space-growth-factor=1");

const hideSecrets = createRedactor(readProcessSecrets());

// What nobody catches ends the process, as it does without us; but Node would print all that hangs on the error.
process.on("uncaughtException", (error) => {
  process.exit(reportError(error, hideSecrets));
});

// `heliostat project list | head -1`: who reads has enough, and that is no failure.
process.stdout.on("error", (error) => {
  if (!("code" in error && error.code === "EPIPE")) throw error;
  process.exit();
});

try {
  const program = await createProgram(false);
  await program.parseAsync(withoutHelpCommand(process.argv.slice(2)), { from: "user" });
} catch (error) {
  process.exitCode = reportError(error, hideSecrets);
}
