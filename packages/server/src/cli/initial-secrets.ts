import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MadeUpSecrets } from "../app/accounts/bootstrap-root.ts";

/** The file that keeps what the first start makes up, until somebody deletes it. */
export function initialSecretsPath(dataDir: string): string {
  return join(dataDir, "initial-root-secrets");
}

/**
 * The text of the file that tells the first start's secrets; of one that was given by the operator nothing is said.
 */
export function formatInitialSecrets(madeUp: MadeUpSecrets): string {
  const lines = [
    "# Made at the first start. Change the password, then delete this file.",
    ...(madeUp.password === null ? [] : [`password=${madeUp.password}`]),
    ...(madeUp.token === null ? [] : [`token=${madeUp.token}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Root's token from that file; null when it is not there, not ours to read, or holds none. */
export async function readInitialToken(dataDir: string): Promise<string | null> {
  const text = await readFile(initialSecretsPath(dataDir), "utf8").catch(() => "");
  return /^token=(.+)$/m.exec(text)?.[1] ?? null;
}
