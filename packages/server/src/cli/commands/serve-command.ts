import type { Command } from "commander";

/** Declares `heliostat serve`. The server is loaded when it runs, not for its `--help`. */
export function declareServe(command: Command): void {
  command
    .option("--check", "only look whether the configuration can be used, and exit")
    .addHelpText(
      "after",
      "\nEverything is set by variables of the environment: heliostat config lists them.\n\nExample:\n  HELIOSTAT_HTTP_LISTEN=:8080 heliostat serve",
    )
    .action(async (options: { check?: boolean }) => {
      const { serve } = await import("./serve.ts");
      process.exitCode = await serve({ check: options.check ?? false });
    });
}
