import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const execute = promisify(execFile);

export interface SmallDisk {
  /** Takes all of the space that is left but for so many bytes. */
  fill(leave?: number): Promise<void>;
  /** Gives back what `fill` took. */
  free(): Promise<void>;
  /** Bytes that are left. */
  room(): Promise<number>;
  unmount(): Promise<void>;
}

/**
 * Mounts a file system of this size in memory at `path`, which is made when it is absent. It fails as a disk does that
 * is full. Needs to be root, or to be in a user namespace of one's own (`unshare --user --map-root-user --mount`).
 */
export async function mountSmallDisk(path: string, bytes: number): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  await execute("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0755`, "tmpfs", path]);
  const ballast = join(path, ".ballast");
  const room = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  };
  return {
    room,
    async fill(leave = 0) {
      const size = Math.max(0, (await room()) - leave);
      await writeFile(ballast, Buffer.alloc(size, 1)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOSPC") throw error;
      });
    },
    async free() {
      await truncate(ballast, 0);
      await rm(ballast);
    },
    async unmount() {
      // Lazily: a process that still stands in it must not keep the test from ending.
      await execute("umount", ["--lazy", path]);
    },
  };
}

/**
 * Declares tests that mount. Who may not mount does so in a namespace of their own: `file` is then run once more, in a
 * process that believes to be root.
 */
export function whereMountingIsAllowed(file: string, declareTests: () => void): void {
  if (process.getuid?.() === 0) declareTests();
  else test("in a namespace where this user may mount", () => runAsRootOfNamespace(file));
}

async function runAsRootOfNamespace(file: string): Promise<void> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ["--user", "--map-root-user", "--mount", process.execPath, "--test", file];
  const child = spawn("unshare", args, { env, stdio: ["ignore", "inherit", "inherit"] });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", reject).on("close", resolve);
  assert.equal(await promise, 0);
}
