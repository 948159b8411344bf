import { PassThrough, type Readable } from "node:stream";
import type { Git, GitCall } from "../run-git.ts";

/**
 * What git writes, at the pace of whoever reads it. Destroying it ends git. A failure of git destroys it, and so does a
 * reader that takes nothing for `idleTimeoutMs`, also of what is left when git is done.
 */
export function streamOutput(git: Git, call: GitCall & { readonly idleTimeoutMs: number }): Readable {
  const running = git.start(call);
  running.stdin.end();
  const output = new PassThrough();
  let last: NodeJS.Timeout | undefined;
  output.once("close", () => {
    clearTimeout(last);
    if (!output.readableEnded) running.stop("aborted");
  });
  running.stdout.pipe(output, { end: false });
  void running.exited.then((exit) => {
    if (output.destroyed) return;
    try {
      running.check(exit);
      output.end();
      last = setTimeout(() => output.destroy(), call.idleTimeoutMs).unref();
    } catch (error) {
      // Who downloads must not believe that it is whole.
      output.destroy(error instanceof Error ? error : undefined);
    }
  });
  return output;
}
