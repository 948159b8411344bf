import type { Readable } from "node:stream";

/**
 * Follows the pkt-lines at the beginning of a push without taking them away, and tells whether the list of its commands
 * has come in whole, up to its flush packet: from then on only objects can be missing. To be called before the stream
 * flows.
 */
export function watchCommands(input: Readable): { isComplete(): boolean } {
  let isComplete = false;
  let header = "";
  let left = 0;
  const onData = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const step = Math.min(left, chunk.length - at);
        left -= step;
        at += step;
        continue;
      }
      header += String.fromCharCode(chunk[at] ?? 0);
      at += 1;
      if (header.length < 4) continue;
      const length = /^[0-9a-fA-F]{4}$/.test(header) ? Number.parseInt(header, 16) : Number.NaN;
      header = "";
      isComplete = length === 0;
      left = length - 4;
      // Its flush packet, or nothing that git would take for commands.
      if (!(left > 0)) {
        input.off("data", onData);
        return;
      }
    }
  };
  input.on("data", onData);
  return { isComplete: () => isComplete };
}
