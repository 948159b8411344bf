import { readFileSync } from "node:fs";
import { parseCertificates } from "../domain/certificates.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { Settings } from "./settings.ts";

/**
 * The certificates of `HELIOSTAT_CA_FILE`, in PEM form; null when it is unset. `config-invalid` when the file cannot be
 * read, or holds anything but certificates.
 */
export function readCaFile({ caFile }: Pick<Settings, "caFile">): string | null {
  if (caFile === null) return null;
  try {
    return parseCertificates(readFileSync(caFile, "utf8"))
      .map(({ pem }) => pem)
      .join("");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new HeliostatError("config-invalid", `HELIOSTAT_CA_FILE (${caFile}) cannot be used: ${why}`, {
      cause: error,
    });
  }
}
