import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The path of a command on PATH, or null. Looking costs microseconds; running `command --version` costs milliseconds.
 *
 * @param {string} name @param {string} [path] the list of directories
 */
export function findCommand(name, path = process.env["PATH"] ?? "") {
  for (const directory of path.split(delimiter)) {
    if (directory === "") continue;
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not here: the next directory may have it.
    }
  }
  return null;
}
