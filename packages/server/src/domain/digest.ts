import { createHash } from "node:crypto";
import type { RefName } from "./ref-name.ts";
import type { AdvertisedRefs } from "./refs.ts";

/**
 * A fingerprint (SHA-256, hexadecimal) of the wanted refs of a remote: equal digests mean that a mirror has nothing
 * to do. The order of the refs, symbolic refs and HEAD do not count; the object format does.
 */
export function digestRefs(refs: AdvertisedRefs, wanted: (ref: RefName) => boolean): string {
  const lines: string[] = [];
  for (const [name, { oid, symref }] of refs.refs) {
    if (symref === undefined && wanted(name)) lines.push(`${name} ${oid}`);
  }
  // Neither a name nor an oid holds a line break, so no two sets of refs make the same text.
  return createHash("sha256")
    .update([refs.objectFormat, ...lines.sort()].join("\n"))
    .digest("hex");
}
