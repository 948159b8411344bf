import type { UpdateProgress } from "../../domain/mirror.ts";
import type { RefChange } from "../../domain/refs.ts";
import { schemeOf } from "../../domain/remote-url.ts";
import type { OpenPack, Ports, RemoteAccess, TransferOptions } from "../ports.ts";
import { type PushOutcome, pushInChunks } from "./push-in-chunks.ts";

export interface PushedChanges extends PushOutcome {
  /** Of all pushes together, as far as they were counted: those over HTTP are. */
  readonly bytesSent: number;
}

/**
 * Pushes all changes of the repository at `path`, each with a lease on the value that the plan saw, and answers one
 * result a change, in their order, and what was sent. What is pushed is the commit that the plan saw, not what a ref
 * of ours may be by now. Over HTTP the conversation is held in process, and git makes the pack only; elsewhere git
 * pushes. What is thrown and what is answered, `pushInChunks` says.
 */
export async function pushChanges(
  { repositories, remotes }: Pick<Ports, "repositories" | "remotes">,
  path: string,
  remote: RemoteAccess,
  changes: readonly RefChange[],
  transfer: TransferOptions,
): Promise<PushedChanges> {
  const { counted, options, seenByGit } = joinProgress(transfer);
  const openPack: OpenPack = (request, signal) =>
    repositories.packObjects(path, request, { ...transfer, signal, onProgress: seenByGit });
  const isHttp = schemeOf(remote.url).startsWith("http");
  const outcome = await pushInChunks(
    changes,
    isHttp
      ? remotes.openPush(remote, openPack, options)
      : (group) => repositories.push(path, remote, group, options),
  );
  return { ...outcome, bytesSent: counted() };
}

/** Git knows how many objects are written, the connection how many bytes are sent: who watches is told both. */
function joinProgress(transfer: TransferOptions) {
  let objects: Pick<UpdateProgress, "done" | "total"> = { done: 0, total: null };
  let sent: Pick<UpdateProgress, "bytes" | "bytesPerSecond"> = { bytes: null, bytesPerSecond: null };
  const tell = (progress: UpdateProgress): void => transfer.onProgress?.(progress);
  return {
    counted: (): number => sent.bytes ?? 0,
    seenByGit: (progress: UpdateProgress): void => {
      const isWriting = progress.phase === "Writing objects";
      if (isWriting) objects = { done: progress.done, total: progress.total };
      tell(isWriting ? { ...progress, ...sent } : progress);
    },
    options: {
      ...transfer,
      onProgress: (progress: UpdateProgress): void => {
        if (progress.bytes === null) {
          tell(progress);
        } else {
          sent = { bytes: progress.bytes, bytesPerSecond: progress.bytesPerSecond };
          tell(progress.total === null ? { ...progress, ...objects } : progress);
        }
      },
    } satisfies TransferOptions,
  };
}
