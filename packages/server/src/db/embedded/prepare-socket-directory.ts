import { createHash } from "node:crypto";
import { chown, lstat, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeliostatError } from "../../domain/errors.ts";

/** Names the socket file only, since there is no TCP: `.s.PGSQL.5432`. */
export const SOCKET_PORT = 5432;

const SOCKET_NAME = `.s.PGSQL.${SOCKET_PORT}`;

/** `sun_path` has 108 bytes on Linux and 104 on macOS, with a NUL at the end. */
const MAX_SOCKET_PATH = process.platform === "darwin" ? 103 : 107;

export interface SocketDirectory {
  readonly path: string;
  /** Whether other users can make entries beside it. */
  readonly isInTemporary: boolean;
}

/**
 * The directory of the database's socket: in the data directory, or, where that path is too long for a socket, in
 * the temporary directory under a name made of the user and the data directory. The same for the same data directory.
 */
export function socketDirectoryFor(dataDir: string): SocketDirectory {
  const inside = join(dataDir, "postgres-socket");
  if (fits(inside)) return { path: inside, isInTemporary: false };
  const digest = createHash("sha256").update(dataDir).digest("hex").slice(0, 16);
  const name = `heliostat-${process.getuid?.() ?? 0}-${digest}`;
  const inTemporary = join(tmpdir(), name);
  return { path: fits(inTemporary) ? inTemporary : join("/tmp", name), isInTemporary: true };
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, SOCKET_NAME)) <= MAX_SOCKET_PATH;
}

/**
 * Makes the socket directory, mode 0700, takes stale sockets out of it and hands it to the database's user. To be
 * called only when no database of ours runs. `config-invalid` when somebody else has put something in its place.
 */
export async function prepareSocketDirectory(
  directory: SocketDirectory,
  owner: { readonly uid: number; readonly gid: number } | null,
): Promise<void> {
  const { path } = directory;
  // The recursive way only where nobody else can swap directories for links under our hands.
  if (!directory.isInTemporary) await rm(path, { recursive: true, force: true });
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    if (!(await isPrivateDirectory(path, owner?.uid))) {
      throw new HeliostatError(
        "config-invalid",
        `${path} is not a private directory of this user, so the socket of the database cannot be put there; remove it`,
      );
    }
    await rm(join(path, SOCKET_NAME), { force: true });
    await rm(join(path, `${SOCKET_NAME}.lock`), { force: true });
  }
  if (owner !== null) await chown(path, owner.uid, owner.gid);
}

/**
 * Whether nobody but us and the database's user can enter the directory or replace it: who can enter may connect as
 * anybody, and who can replace it can play the database to us. No race after the look: in a sticky directory nobody
 * else can rename or remove what is ours.
 */
export async function isPrivateDirectory(path: string, databaseUid: number | undefined): Promise<boolean> {
  // lstat: a link to a directory of ours is not one.
  const stats = await lstat(path).catch(() => null);
  if (stats === null || !stats.isDirectory()) return false;
  const isOurs = stats.uid === process.getuid?.() || stats.uid === databaseUid;
  return isOurs && (stats.mode & 0o077) === 0;
}
