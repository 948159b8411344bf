import { readdir, readFile } from "node:fs/promises";

/**
 * Whether a process of this machine, other than this one, has this text in its command line or environment; null where
 * the system does not tell. Processes of other users that hide theirs are not seen.
 */
export async function isNamedByProcess(text: string): Promise<boolean | null> {
  if (process.platform !== "linux") return null;
  const pids = await readdir("/proc").catch(() => null);
  if (pids === null) return null;
  for (const pid of pids) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    for (const file of ["cmdline", "environ"]) {
      const said = await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
      if (said.includes(text)) return true;
    }
  }
  return false;
}
