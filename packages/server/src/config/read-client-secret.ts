import { readFileSync } from "node:fs";
import { HeliostatError } from "../domain/errors.ts";
import type { OidcSettings } from "./oidc.ts";

/**
 * The client secret, from the environment or from its file, without the line break at its end; null: there is none.
 * `config-invalid` when the file cannot be read, or is empty.
 */
export function readClientSecret({
  clientSecret,
  clientSecretFile,
}: Pick<OidcSettings, "clientSecret" | "clientSecretFile">): string | null {
  if (clientSecretFile === null) return clientSecret;
  let text: string;
  try {
    text = readFileSync(clientSecretFile, "utf8").trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw unusable(clientSecretFile, why, error);
  }
  if (text === "") throw unusable(clientSecretFile, "it is empty", undefined);
  return text;
}

function unusable(path: string, why: string, cause: unknown): HeliostatError {
  const text = `HELIOSTAT_OIDC_CLIENT_SECRET_FILE (${path}) cannot be used: ${why}`;
  return new HeliostatError("config-invalid", text, { cause });
}
