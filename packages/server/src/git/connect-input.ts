import type { Readable } from "node:stream";
import type { RunningProcess } from "../exec/run.ts";

/**
 * Hands a client's input to a git, and tells when it breaks off. A client may send more than git cares to read: the rest
 * is read and dropped, so that it comes to read the answer. For the same reason this is no `pipeline`, which would destroy
 * the input, and with it the connection.
 */
export function connectInput(input: Readable, { stdin }: RunningProcess, onBroken: () => void): void {
  input.pipe(stdin);
  stdin.once("close", () => {
    input.unpipe(stdin);
    input.resume();
  });
  input.once("error", onBroken);
  input.once("close", () => {
    if (!input.readableEnded) onBroken();
  });
}
