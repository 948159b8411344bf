import { formatBytes } from "../../domain/format-bytes.ts";
import type { UpdateProgress } from "../../domain/mirror.ts";

const WIDTH = 24;

/** What a progress bar needs of standard error. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A progress bar on a terminal, in one line that is rewritten in place; elsewhere nothing is written. */
export function showProgress(stream: ProgressStream): {
  update: (progress: UpdateProgress) => void;
  clear: () => void;
} {
  if (!stream.isTTY) return { update: () => undefined, clear: () => undefined };
  return {
    update: (progress) => {
      const { phase, done, total } = progress;
      const share = total ? Math.min(done / total, 1) : 0;
      const filled = Math.round(share * WIDTH);
      const bar = total
        ? `${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${Math.floor(share * 100)}%`
        : done === 0
          ? "…"
          : `${done}`;
      const line = `${phase} ${bar}${describeThroughput(progress)}`;
      // A line that wraps could not be rewritten in place.
      stream.write(`\r\u001b[K${line.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`);
    },
    clear: () => {
      stream.write("\r\u001b[K");
    },
  };
}

/** The same in words, for output that is no terminal. */
export function describeProgress(progress: UpdateProgress): string {
  const { phase, done, total } = progress;
  const how = total !== null ? ` ${done}/${total}` : done > 0 ? ` ${done}` : "";
  return `${phase}${how}${describeThroughput(progress)}`;
}

/** As `, 1.20 MiB, 3.40 MiB/s`; empty while no bytes flow. */
function describeThroughput({ bytes, bytesPerSecond }: UpdateProgress): string {
  if (bytes === null) return "";
  return `, ${formatBytes(bytes)}${bytesPerSecond === null ? "" : `, ${formatBytes(bytesPerSecond)}/s`}`;
}
