import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { objectFormatOf } from "../domain/oid.ts";
import type { RefChange } from "../domain/refs.ts";
import type { ConfigLine } from "./environment.ts";

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
  const oid = changes.flatMap((change) => change.new ?? change.old ?? [])[0];
  const isSha256 = oid !== undefined && objectFormatOf(oid) === "sha256";
  await mkdir(join(view, "refs"), { recursive: true });
  await mkdir(join(view, "objects"));
  await writeFile(join(view, "HEAD"), "ref: refs/heads/none\n");
  await writeFile(
    join(view, "config"),
    isSha256
      ? "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
      : "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
  );
  const lines = changes.flatMap(({ ref, old, new: next }) => {
    const name = ref.slice("refs/".length);
    return [
      ...(next === null ? [] : [`${next} ${NEW}${name}\n`]),
      ...(old === null ? [] : [`${old} ${OLD}${name}\n`]),
    ];
  });
  // Without the word "sorted" git sorts for itself, as it sorts: by bytes.
  await writeFile(join(view, "packed-refs"), `# pack-refs with: \n${lines.join("")}`);
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
