import type { WriteStream } from "node:tty";
import type { UpdateProgress } from "../domain/mirror.ts";

const WIDTH = 24;

/** A progress bar on a terminal, in one line that is rewritten in place; elsewhere nothing is written. */
export function showProgress(stream: WriteStream): {
  update: (progress: UpdateProgress) => void;
  clear: () => void;
} {
  if (!stream.isTTY) return { update: () => undefined, clear: () => undefined };
  return {
    update: ({ phase, done, total }) => {
      const share = total ? done / total : 0;
      const filled = Math.round(share * WIDTH);
      const bar = total
        ? `${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${Math.floor(share * 100)}%`
        : `${done}`;
      stream.write(`\r\u001b[K${phase} ${bar}`);
    },
    clear: () => {
      stream.write("\r\u001b[K");
    },
  };
}
