import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Where programs keep what belongs to the user who runs them: `$XDG_CONFIG_HOME`, or `.config` in their home. */
export function readConfigHome(): string {
  const given = process.env["XDG_CONFIG_HOME"];
  // As its specification wants it: a relative one counts as unset.
  return given !== undefined && isAbsolute(given) ? given : join(homedir(), ".config");
}
