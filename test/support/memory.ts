import { readFile, writeFile } from "node:fs/promises";

export interface Memory {
  /** Resident now, in bytes. */
  readonly resident: number;
  /** The most that was resident since the process began or `resetPeak`, in bytes. */
  readonly peak: number;
}

/** What the system says of a process's memory. Linux only. */
export async function readMemory(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kilobytes === undefined) throw new Error(`process ${pid} has no ${name}`);
    return Number(kilobytes) * 1024;
  };
  return { resident: field("VmRSS"), peak: field("VmHWM") };
}

/** Makes the peak start anew from what is resident now. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}
