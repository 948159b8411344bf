import { randomBytes } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import type { Log, SecretKeys } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";

/** The keys of a secrets file: those that it has at the moment of each call, whoever wrote it. */
export interface KeyRing extends SecretKeys {
  /**
   * The key that new secrets are sealed with. It is in the file: one that is lost is made, with all keys that are still
   * known. `config-invalid` when it cannot be written.
   */
  sealingKey(): { readonly id: string; readonly key: Buffer };
  /** Null: the file has no such key. */
  find(id: string): Buffer | null;
}

interface Keys {
  readonly current: string;
  readonly byId: ReadonlyMap<string, Buffer>;
  /** Changes with the file. */
  readonly stamp: string;
}

const KEY_BYTES = 32;
const OWNER_ONLY = 0o600;

const KeysFile = z.object({ current: z.string(), keys: z.record(z.string(), z.string()) });

/**
 * Opens the secrets file (`HELIOSTAT_SECRETS_FILE`). A file that is there and cannot be understood is never overwritten
 * (`config-invalid`). One that is not there is made with a fresh key, readable by its owner only, unless secrets are
 * `lost` with it: then none is made before a new secret is to be sealed, so that the old file can be put back. Where the
 * path is a symbolic link, the file that it leads to is written, and the link stays.
 *
 * The file is read with calls that block: it is small, and secrets are sealed and opened in the middle of transactions.
 */
export function openKeyRing(
  path: string,
  { log, areSecretsLost }: { log: Log; areSecretsLost: boolean },
): KeyRing {
  let keys = readKeys(path);
  if (keys === null && !areSecretsLost) keys = makeFile(path, freshKeys());
  if (keys === null) {
    log.error(
      { path },
      "the secrets file is lost: put it back, or enter the secrets of the mirrors again (heliostat doctor lists them)",
    );
  } else if ((statSync(path).mode & 0o077) !== 0) {
    log.warn({ path }, "the secrets file can be read by others than its owner: chmod 600");
  }

  /** The file as it is now: another node may have added a key, or an admin put the lost file back. */
  function look(): Keys | null {
    const stamp = stampOf(path);
    // While the file is away, what was read of it still opens everything.
    if (stamp === null || stamp === keys?.stamp) return keys;
    keys = readKeys(path) ?? keys;
    return keys;
  }

  /**
   * The keys, all of them in the file: what is sealed with one that is in memory only would be lost with the next start.
   * Null: neither is there.
   */
  function lookSafely(): Keys | null {
    const known = look();
    if (known === null || stampOf(path) !== null) return known;
    keys = makeFile(path, known);
    log.warn(
      { path },
      "the secrets file was gone: it was written again, with the keys that were still known",
    );
    return keys;
  }

  /** Replaces the file as a whole: a reader sees the old one or the new one. */
  function write(next: { current: string; byId: ReadonlyMap<string, Buffer> }): void {
    const target = followLinks(path);
    const draft = `${target}.${randomBytes(6).toString("hex")}`;
    try {
      writeFileSync(draft, format(next), { mode: OWNER_ONLY, flag: "wx", flush: true });
      renameSync(draft, target);
    } catch (error) {
      throw new HeliostatError(
        "config-invalid",
        `Cannot write the secrets file ${path}. No key was changed.`,
        {
          cause: error,
        },
      );
    }
    keys = readKeys(path);
  }

  return {
    current: () => look()?.current ?? null,
    ids: () => [...(look()?.byId.keys() ?? [])],
    isKnown: (id) => look()?.byId.has(id) ?? false,
    find: (id) => look()?.byId.get(id) ?? null,
    sealingKey() {
      const known = lookSafely() ?? makeFile(path, freshKeys());
      keys = known;
      const key = known.byId.get(known.current);
      if (!key) throw new HeliostatError("bug", "the secrets file has no current key");
      return { id: known.current, key };
    },
    async add() {
      const known = lookSafely();
      if (known === null) {
        throw new HeliostatError(
          "conflict",
          `The secrets file ${path} is lost: no stored secret can be opened, so none can be sealed with a new key. Put the file back, or enter the secrets again, which makes a new one.`,
        );
      }
      const id = makeId();
      write({ current: id, byId: new Map([...known.byId, [id, randomBytes(KEY_BYTES)]]) });
      return id;
    },
    async remove(ids) {
      const known = lookSafely();
      if (known === null) return;
      const gone = new Set(ids.filter((id) => id !== known.current));
      if (gone.size === 0) return;
      write({ current: known.current, byId: new Map([...known.byId].filter(([id]) => !gone.has(id))) });
    },
  };
}

function readKeys(path: string): Keys | null {
  const stamp = stampOf(path);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
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
  return { current: parsed.data.current, byId, stamp: stamp ?? "" };
}

function freshKeys(): Pick<Keys, "current" | "byId"> {
  const id = makeId();
  return { current: id, byId: new Map([[id, randomBytes(KEY_BYTES)]]) };
}

/** Makes the file with these keys, and answers those that are in it: another server may have made it meanwhile. */
function makeFile(path: string, made: Pick<Keys, "current" | "byId">): Keys {
  const target = followLinks(path);
  // Written whole under another name, then linked: a reader never sees half a file, and of two servers that start
  // together on one file system one wins and both use its key.
  const draft = `${target}.${makeId()}`;
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(draft, format(made), { mode: OWNER_ONLY, flag: "wx", flush: true });
    try {
      linkSync(draft, target);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    } finally {
      unlinkSync(draft);
    }
  } catch (error) {
    throw new HeliostatError("config-invalid", `Cannot write the secrets file ${path}.`, { cause: error });
  }
  const keys = readKeys(path);
  if (!keys)
    throw new HeliostatError("config-invalid", `The secrets file ${path} vanished while it was made.`);
  return keys;
}

/** The file that the path leads to, also where there is none: a rename in place of a link would leave the old keys there. */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return path;
    let next: string;
    try {
      next = readlinkSync(path);
    } catch {
      return path;
    }
    return followLinks(resolve(dirname(path), next));
  }
}

function format({ current, byId }: { current: string; byId: ReadonlyMap<string, Buffer> }): string {
  const keys = Object.fromEntries([...byId].map(([id, key]) => [id, key.toString("base64")]));
  return `${JSON.stringify({ current, keys }, null, 2)}\n`;
}

function makeId(): string {
  return randomBytes(6).toString("hex");
}

/** Null: there is no file. A replaced file has another inode. */
function stampOf(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}
