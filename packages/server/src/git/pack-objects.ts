import { once } from "node:events";
import type { Pack, PackRequest, TransferOptions } from "../app/ports.ts";
import type { Oid } from "../domain/oid.ts";
import { checkObjects } from "./check-objects.ts";
import { readProgress } from "./progress.ts";
import type { Patience } from "./remote-call.ts";
import type { Git } from "./run-git.ts";

/** What git says of a have that it does not know, before it makes anything of the pack. */
const UNKNOWN_HAVE = /bad object|bad revision|not a valid object/i;

/**
 * Makes a pack for a push, as `git send-pack` has it made. A pack that needs nothing is one with no objects in it.
 * `done` rejects for whatever ended git early; `cancelled` when that was the signal.
 *
 * A mirror's downstream has, as a rule, what we have. So git is given all haves, and only when it stumbles over one of
 * them they are looked up: measured with 5,000, the look-up costs 60 ms, as much as the pack of one commit.
 */
export async function packObjects(
  git: Git,
  path: string,
  request: PackRequest,
  options: TransferOptions,
  patience: Patience,
): Promise<Pack> {
  const { stream, done, exited } = startPacking(git, path, request, request.haves, options, patience);
  if (request.haves.length === 0) return { stream, done };
  // Fires for the first byte, and for the end; not for git that was never started.
  await Promise.race([once(stream, "readable").catch(() => {}), exited]);
  if (stream.readableLength > 0) return { stream, done };
  const exit = await exited;
  if (exit.reason !== null || !UNKNOWN_HAVE.test(exit.stderr)) return { stream, done };
  const known = await checkObjects(git, path, request.haves, "", options.signal);
  return startPacking(git, path, request, [...known.keys()], options, patience);
}

function startPacking(
  git: Git,
  path: string,
  { wants, isThin, hasOffsetDeltas }: PackRequest,
  haves: readonly Oid[],
  { signal, onProgress }: TransferOptions,
  patience: Patience,
) {
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
  packing.stdin.end([...wants, ...haves.map((oid) => `^${oid}`), ""].join("\n"));
  const done = packing.exited.then((exit) => packing.check(exit));
  // Who reads the stream asks later; until then a failure is no unhandled one.
  done.catch(() => {});
  return { stream: packing.stdout, done, exited: packing.exited };
}
