import { spawn } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A file system of so many kilobytes, unmounted after the test, at the answered path. Null where tests may not mount
 * one: they need to run as root, on Linux.
 */
export async function makeTinyDisk(
  scope: { after(clean: () => Promise<void>): void },
  kilobytes: number,
): Promise<string | null> {
  const path = await mkdtemp(join(tmpdir(), "heliostat-disk-"));
  const isMounted = await succeeds("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", path]);
  scope.after(async () => {
    if (isMounted) await succeeds("umount", ["--lazy", path]);
    await rmdir(path);
  });
  return isMounted ? path : null;
}

function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: "ignore" });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}
