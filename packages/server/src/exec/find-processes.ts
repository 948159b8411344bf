import { readdir, readFile } from "node:fs/promises";

/**
 * Whether a process of this machine, other than this one, has this text in its command line or environment; null where
 * the system does not tell. Processes of other users that hide theirs are not seen, nor those whose command line is
 * `harmless`: its arguments, with a NUL behind each.
 */
export async function isNamedByProcess(text: string, harmless: RegExp): Promise<boolean | null> {
  if (process.platform !== "linux") return null;
  const pids = await readdir("/proc").catch(() => null);
  if (pids === null) return null;
  for (const pid of pids) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    const command = await read("cmdline");
    if (harmless.test(command)) continue;
    if (command.includes(text) || (await read("environ")).includes(text)) return true;
  }
  return false;
}
