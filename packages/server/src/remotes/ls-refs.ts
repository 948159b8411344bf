import { HeliostatError } from "../domain/errors.ts";
import { createRefCollector, type ListedRefs } from "./collected-refs.ts";
import { DELIM_PKT, encodePktLine, FLUSH_PKT } from "./pkt-line.ts";
import type { Capabilities, PktLineReader } from "./ref-advertisement.ts";

/** The protocol v2 request for HEAD, branches and tags. Prefixes only spare traffic: a server may answer more. */
export function encodeLsRefs(capabilities: Capabilities, userAgent: string): string {
  return [
    "command=ls-refs\n",
    ...(capabilities.takesAgent ? [`agent=${userAgent.replace(/[^!-~]/g, "-")}`] : []),
    ...(capabilities.takesObjectFormat ? [`object-format=${capabilities.objectFormat}`] : []),
  ]
    .map(encodePktLine)
    .concat(
      DELIM_PKT,
      [
        "peel\n",
        "symrefs\n",
        ...(capabilities.tellsUnborn ? ["unborn\n"] : []),
        "ref-prefix HEAD\n",
        "ref-prefix refs/heads/\n",
        "ref-prefix refs/tags/\n",
      ].map(encodePktLine),
      FLUSH_PKT,
    )
    .join("");
}

/** Reads the answer to `encodeLsRefs`: `oid name [symref-target:ref] [peeled:oid]`, or `unborn name symref-target:ref`. */
export function createLsRefsReader(
  { objectFormat }: Capabilities,
  maxRefs: number,
): PktLineReader<ListedRefs> {
  const refs = createRefCollector(objectFormat, maxRefs);
  let result: ListedRefs | null = null;

  return {
    line(text) {
      const afterOid = text.indexOf(" ");
      if (result !== null || afterOid < 0) throw notLsRefs();
      const oid = text.slice(0, afterOid);
      const afterName = text.indexOf(" ", afterOid + 1);
      const name = text.slice(afterOid + 1, afterName < 0 ? undefined : afterName);
      let symref: string | undefined;
      let peeled: string | undefined;
      if (afterName >= 0) {
        for (const attribute of text.slice(afterName + 1).split(" ")) {
          if (attribute.startsWith("symref-target:")) symref = attribute.slice("symref-target:".length);
          else if (attribute.startsWith("peeled:")) peeled = attribute.slice("peeled:".length);
        }
      }
      if (name === "HEAD" && symref !== undefined) refs.setHead(symref);
      if (oid !== "unborn") refs.add({ name, oid, symref, peeled });
    },
    control(kind) {
      if (kind !== "flush" || result !== null) throw notLsRefs();
      result = refs.finish();
    },
    result: () => result,
  };
}

function notLsRefs(): HeliostatError {
  return new HeliostatError("remote-not-git", "The remote's answer is no list of Git refs.");
}
