import { asHeliostatError } from "../../domain/errors.ts";
import { incomingLimits } from "../../domain/incoming-limits.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Ports } from "../ports.ts";
import { hideInError } from "./hide-in-error.ts";
import { openRemote } from "./open-remote.ts";
import { wantedRefs } from "./wanted-refs.ts";

/** What a check found: nothing to do, that the remote has moved, or that only a run can tell. */
export type Found = "unchanged" | "moved" | "unknown";

/**
 * The first stage of an update: has anything changed since the last good one? Lists the remote's refs in process
 * and compares a digest of the wanted ones; starts no process and writes nothing. A remote that cannot be listed
 * throws: the update that follows says why, and counts the failure.
 */
export async function checkMirror(ports: Ports, mirror: Mirror, signal: AbortSignal): Promise<Found> {
  const project = await ports.projects.find(mirror.projectId);
  if (!project) return "unchanged";
  // After a failure only an update that really ran says that all is well again: in the history, and by mail. One that
  // waits for a person's decision is not well again while nothing changes.
  const mayBeWellAgain = mirror.retryCount > 0 || mirror.toldHealth !== "good";
  if (mayBeWellAgain && !mirror.holdsRefs) return "unknown";
  const sawOurLastState =
    mirror.appliedGeneration !== null && mirror.appliedGeneration === project.refsGeneration;
  if (mirror.appliedDigest === null || !sawOurLastState) return "unknown";
  const { remote, hideSecrets } = await openRemote(ports, mirror, signal);
  const wanted = await wantedRefs(ports, mirror);
  const { refs: maxRefs } = incomingLimits(project.limits, await ports.settings.read());
  const theirs = await ports.remotes.listRefs(remote, { signal, maxRefs }).catch((error: unknown) => {
    throw hideInError(asHeliostatError(error), hideSecrets);
  });
  return wanted.digest(theirs) === mirror.appliedDigest ? "unchanged" : "moved";
}
