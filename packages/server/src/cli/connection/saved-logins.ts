import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { readConfigHome } from "../../config/config-home.ts";
import { HeliostatError } from "../../domain/errors.ts";

const loginSchema = z.object({
  /** Of who signed in; for people to read. */
  username: z.string(),
  token: z.string(),
  /** Whether signing in made the token: then signing out revokes it. */
  token_made_here: z.boolean(),
});
export type SavedLogin = z.infer<typeof loginSchema>;

const savedSchema = z.object({
  /** The server that is spoken to when none is named. */
  current: z.string().nullable(),
  servers: z.record(z.string(), loginSchema),
});

/** The servers that somebody signed in to, by their address. */
export type SavedLogins = z.infer<typeof savedSchema>;

/** Where they are kept: a file that only its owner may read. */
export function savedLoginsPath(): string {
  return join(readConfigHome(), "heliostat", "logins.json");
}

/** The remembered servers; none when there is no file. `config-invalid` when it is damaged or others may read it. */
export async function readSavedLogins(): Promise<SavedLogins> {
  const path = savedLoginsPath();
  const found = await stat(path).catch(() => null);
  if (found === null) return { current: null, servers: {} };
  if ((found.mode & 0o077) !== 0) {
    throw new HeliostatError(
      "config-invalid",
      `${path} holds tokens and can be read by others on this machine. Run: chmod 600 ${path}`,
    );
  }
  try {
    return savedSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    throw new HeliostatError(
      "config-invalid",
      `${path} cannot be read as a list of logins. Delete it, and run "heliostat login" again.`,
      { cause: error },
    );
  }
}

/** Writes the file anew, in one step: whoever reads meanwhile has the old one or the new one, whole. */
export async function writeSavedLogins(logins: SavedLogins): Promise<void> {
  const path = savedLoginsPath();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600, flush: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
