import type { RefChange, RefResult } from "../../domain/refs.ts";
import { schemeOf } from "../../domain/remote-url.ts";
import type { OpenPack, Ports, RemoteAccess, TransferOptions } from "../ports.ts";
import { pushInChunks } from "./push-in-chunks.ts";

/**
 * Pushes all changes of the repository at `path`, each with a lease on the value that the plan saw, and answers one
 * result a change, in their order. What is pushed is the commit that the plan saw, not what a ref of ours may be by
 * now. Over HTTP the conversation is held in process, and git makes the pack only; elsewhere git pushes. What is
 * thrown and what is answered, `pushInChunks` says.
 */
export function pushChanges(
  { repositories, remotes }: Pick<Ports, "repositories" | "remotes">,
  path: string,
  remote: RemoteAccess,
  changes: readonly RefChange[],
  transfer: TransferOptions,
): Promise<readonly RefResult[]> {
  const openPack: OpenPack = (request, signal) =>
    repositories.packObjects(path, request, { ...transfer, signal });
  const isHttp = schemeOf(remote.url).startsWith("http");
  return pushInChunks(changes, (group) =>
    isHttp
      ? remotes.push(remote, group, openPack, transfer)
      : repositories.push(path, remote, group, transfer),
  );
}
