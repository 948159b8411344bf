import type { Command } from "commander";
import { describeSettings, readProcessSettings } from "../../config/settings.ts";
import { CHECKOUT_DIR } from "../places.ts";
import { printJson } from "../terminal/print.ts";

/** Declares `heliostat config`: every variable, its value with secrets masked, and where it comes from. */
export function declareConfig(command: Command): void {
  command
    .option("--json", "as JSON")
    .addHelpText("after", "\nExample:\n  HELIOSTAT_HTTP_LISTEN=:8080 heliostat config")
    .action((options: { json?: boolean }) => {
      const rows = describeSettings(readProcessSettings({ checkoutDir: CHECKOUT_DIR }));
      if (options.json) {
        printJson(rows);
        return;
      }
      const width = Math.max(...rows.map((row) => row.name.length));
      for (const { name, value, source } of rows) {
        console.log(`${name.padEnd(width)}  ${value}${source === "default" ? "  (default)" : ""}`);
      }
    });
}
