import type { Oid } from "../../domain/oid.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { Asker, Ports } from "../ports.ts";
import type { Browsed } from "./browsed-project.ts";
import type { UpstreamView } from "./browsing-use-cases.ts";

/**
 * How these branches stand to those of the pull mirror's remote, as its newest update that came to an end saw them. A
 * branch of which that update says nothing is not in the answer: nobody asks the remote for it.
 */
export async function compareWithUpstream(
  ports: Pick<Ports, "mirrors" | "browsing">,
  { project, path }: Browsed,
  refs: ReadonlyMap<RefName, Oid>,
  asker: Asker,
): Promise<ReadonlyMap<RefName, UpstreamView>> {
  const views = new Map<RefName, UpstreamView>();
  const [mirror] = refs.size === 0 ? [] : await ports.mirrors.listPullMirrors([project.id]);
  if (mirror === undefined) return views;
  const seen = await ports.mirrors.findSeenRefs(mirror.id, [...refs.keys()]);
  if (seen === null) return views;
  // Nobody has written to our refs since: what was equal then is equal now.
  const isUntouched =
    mirror.appliedGeneration !== null && mirror.appliedGeneration === project.refsGeneration;
  // In two rows: a page of branches is to take neither all places nor much room in the line for them.
  const rest = refs.entries();
  const takeOn = async (): Promise<void> => {
    for (const [ref, own] of rest) {
      const upstream = seen.refs.get(ref);
      if (upstream === undefined) continue;
      const oid = upstream === "equal" ? (isUntouched ? own : null) : upstream;
      const distance = oid === null ? null : await ports.browsing.measureDistance(path, own, oid, asker);
      views.set(ref, {
        oid,
        hasDiverged: distance !== null && distance.ahead > 0 && distance.behind > 0,
        seenAt: seen.at,
        ...(distance ?? {}),
      });
    }
  };
  await Promise.all([takeOn(), takeOn()]);
  return views;
}
