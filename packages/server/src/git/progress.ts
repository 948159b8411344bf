import type { UpdateProgress } from "../domain/mirror.ts";

/** Bounded in all its parts: lines that begin with `remote: ` are the remote's to choose. */
const PROGRESS =
  /^(remote: )?([A-Z][A-Za-z ]{1,39}?):\s+(?:\d{1,3}% \((\d{1,15})\/(\d{1,15})\)|(\d{1,15})\b)/;

/** As `, 280 bytes | 280.00 KiB/s`. */
const THROUGHPUT = /, ([\d.]{1,12}) (bytes?|[KMG]iB) \| ([\d.]{1,12}) (bytes?|[KMG]iB)\/s/;

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * One line of git's `--progress`, such as `Receiving objects:  45% (450/1000), 1.20 MiB | 3.40 MiB/s`; null for any
 * other line. `total` is null while git only counts. Above 1 KiB git rounds the bytes. Those that a remote claims are
 * not taken: they are none that we saw.
 */
export function readProgress(line: string): UpdateProgress | null {
  const match = PROGRESS.exec(line);
  if (!match) return null;
  const [, remote, phase = "", done, total, count] = match;
  return {
    phase,
    done: Number(done ?? count),
    total: total === undefined ? null : Number(total),
    ...(remote === undefined ? readThroughput(line) : NO_BYTES),
  };
}

const NO_BYTES = { bytes: null, bytesPerSecond: null } as const;

function readThroughput(line: string): Pick<UpdateProgress, "bytes" | "bytesPerSecond"> {
  const match = THROUGHPUT.exec(line);
  if (!match) return NO_BYTES;
  const [, bytes = "", unit = "", rate = "", rateUnit = ""] = match;
  return { bytes: toBytes(bytes, unit), bytesPerSecond: toBytes(rate, rateUnit) };
}

function toBytes(number: string, unit: string): number {
  return Math.round(Number(number) * (UNITS[unit] ?? 1));
}
