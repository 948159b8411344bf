import type { Pack, PackRequest, TransferOptions } from "../app/ports.ts";
import { checkObjects } from "./check-objects.ts";
import { readProgress } from "./progress.ts";
import type { Patience } from "./remote-call.ts";
import type { Git } from "./run-git.ts";

/**
 * Makes a pack for a push, as `git send-pack` has it made. A pack that needs nothing is one with no objects in it.
 * `done` rejects for whatever ended git early; `cancelled` when that was the signal.
 */
export async function packObjects(
  git: Git,
  path: string,
  { wants, haves, isThin, hasOffsetDeltas }: PackRequest,
  { signal, onProgress }: TransferOptions,
  patience: Patience,
): Promise<Pack> {
  // Git takes no have that it does not know: `bad object`.
  const known = await checkObjects(git, path, haves, "", signal);
  const packing = git.start({
    gitDir: path,
    args: [
      // Progress is the sign of life while git only counts and compresses.
      ...["pack-objects", "--revs", "--stdout", "--all-progress"],
      ...(isThin ? ["--thin"] : []),
      ...(hasOffsetDeltas ? ["--delta-base-offset"] : []),
    ],
    signal,
    idleTimeoutMs: patience.silenceSeconds * 1000,
    onStderrLine: (line) => {
      const progress = onProgress ? readProgress(line) : null;
      if (progress) onProgress?.(progress);
    },
  });
  packing.stdin.end([...wants, ...Array.from(known.keys(), (oid) => `^${oid}`), ""].join("\n"));
  const done = packing.exited.then((exit) => packing.check(exit));
  // Who reads the stream asks later; until then a failure is no unhandled one.
  done.catch(() => {});
  return { stream: packing.stdout, done };
}
