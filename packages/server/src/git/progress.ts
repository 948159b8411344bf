import type { UpdateProgress } from "../domain/mirror.ts";

const PROGRESS = /^(?:remote: )?([A-Z][A-Za-z ]+?):\s+(?:(\d+)% \((\d+)\/(\d+)\)|(\d+)\b)/;

/**
 * One line of git's `--progress`, such as `Receiving objects:  45% (450/1000), 1.20 MiB | 3.40 MiB/s`; null for any
 * other line. `total` is null while git only counts.
 */
export function readProgress(line: string): UpdateProgress | null {
  const match = PROGRESS.exec(line);
  if (!match) return null;
  const [, phase = "", percent, done, total, count] = match;
  if (percent === undefined)
    return { phase, done: Number(count), total: null, bytes: null, bytesPerSecond: null };
  return { phase, done: Number(done), total: Number(total), bytes: null, bytesPerSecond: null };
}
