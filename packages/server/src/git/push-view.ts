import type { RefChange } from "../domain/refs.ts";
import type { ConfigLine } from "./environment.ts";
import { makeView } from "./view.ts";

/** Below `refs/new/` stands what the remote's refs are to become, below `refs/old/` what the plan saw there. */
const NEW = "refs/new/";
const OLD = "refs/old/";

/** The name by which git knows the remote in the view; it must be one, for the leases to be looked up. */
export const VIEW_REMOTE = "target";

/**
 * Makes a repository at `view` that has no objects of its own and, as refs, nothing but one push: then one wildcard
 * refspec says what is pushed, and `--force-with-lease` finds every lease as a remote-tracking ref.
 *
 * Measured on 500 refs to a remote that has 5,000: with a refspec and a lease for each ref on the command line,
 * git compares every one with every ref of both sides and takes 8 to 30 s; through the view it takes 0.2 s.
 */
export async function makePushView(view: string, changes: readonly RefChange[]): Promise<void> {
  const isSha256 = changes.some(({ old, new: next }) => (next ?? old)?.length === 64);
  await makeView(
    view,
    changes.flatMap(({ ref, old, new: next }) => {
      const name = ref.slice("refs/".length);
      return [
        ...(next === null ? [] : [[`${NEW}${name}`, next] as const]),
        ...(old === null ? [] : [[`${OLD}${name}`, old] as const]),
      ];
    }),
    isSha256 ? "sha256" : "sha1",
  );
}

/** The remote as the view knows it: `url` is what git is given, and the leases are its tracking refs. */
export function viewConfig(url: string): readonly ConfigLine[] {
  return [
    [`remote.${VIEW_REMOTE}.url`, url],
    [`remote.${VIEW_REMOTE}.fetch`, `+refs/*:${OLD}*`],
  ];
}

/** What to push from the view. Deletions need one refspec each: there is nothing that a wildcard could match. */
export function viewRefspecs(changes: readonly RefChange[]): readonly string[] {
  const deletions = changes.filter((change) => change.new === null).map((change) => `:${change.ref}`);
  return deletions.length < changes.length ? [`${NEW}*:refs/*`, ...deletions] : deletions;
}
