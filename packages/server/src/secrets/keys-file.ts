import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { HeliostatError } from "../domain/errors.ts";

/** The keys that seal secrets, by id. New secrets are sealed with `current`; the others still open old ones. */
export interface Keys {
  readonly current: string;
  readonly byId: ReadonlyMap<string, Buffer>;
}

const KEY_BYTES = 32;

const KeysFile = z.object({
  current: z.string(),
  keys: z.record(z.string(), z.string()),
});

/**
 * Reads the secrets file (`HELIOSTAT_SECRETS_FILE`), or makes one with a fresh key, readable by its owner only.
 * A file that is there but cannot be understood is never overwritten (`config-invalid`).
 */
export async function readOrMakeKeys(path: string): Promise<Keys> {
  return (await readKeys(path)) ?? (await makeKeys(path));
}

async function readKeys(path: string): Promise<Keys | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new HeliostatError("config-invalid", `Cannot read the secrets file ${path}.`, { cause: error });
  }
  const unusable = (why: string) =>
    new HeliostatError(
      "config-invalid",
      `The secrets file ${path} ${why}. Restore it from a backup; it was left as it is.`,
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unusable("is not JSON");
  }
  const parsed = KeysFile.safeParse(json);
  if (!parsed.success) throw unusable("does not have the form { current, keys }");
  const byId = new Map(
    Object.entries(parsed.data.keys).map(([id, key]) => [id, Buffer.from(key, "base64")] as const),
  );
  if ([...byId.values()].some((key) => key.length !== KEY_BYTES))
    throw unusable("holds a key of the wrong length");
  if (!byId.has(parsed.data.current)) throw unusable("names a current key that it does not hold");
  return { current: parsed.data.current, byId };
}

async function makeKeys(path: string): Promise<Keys> {
  const id = randomBytes(6).toString("hex");
  const text = JSON.stringify(
    { current: id, keys: { [id]: randomBytes(KEY_BYTES).toString("base64") } },
    null,
    2,
  );
  await mkdir(dirname(path), { recursive: true });
  // Written whole under another name, then linked: a reader never sees half a file, and of two servers that start
  // together on one file system one wins and both use its key.
  const draft = `${path}.${id}`;
  await writeFile(draft, `${text}\n`, { mode: 0o600, flag: "wx", flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(draft);
  }
  const keys = await readKeys(path);
  if (!keys)
    throw new HeliostatError("config-invalid", `The secrets file ${path} vanished while it was made.`);
  return keys;
}
