import { describeSettings, readProcessSettings } from "../config/settings.ts";
import { CHECKOUT_DIR } from "./places.ts";

/** `heliostat config`: every setting, its value with secrets masked, and where it comes from. */
export function printConfig(options: { json: boolean }): void {
  const rows = describeSettings(readProcessSettings({ checkoutDir: CHECKOUT_DIR }));
  if (options.json) {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  const width = Math.max(...rows.map((row) => row.name.length));
  for (const { name, value, source } of rows) {
    console.log(`${name.padEnd(width)}  ${value}${source === "default" ? "  (default)" : ""}`);
  }
}
