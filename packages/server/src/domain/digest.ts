import { createHash } from "node:crypto";
import type { RefName } from "./ref-name.ts";
import type { AdvertisedRefs } from "./refs.ts";

/**
 * A fingerprint (SHA-256, hexadecimal) of the wanted refs of a remote: equal digests mean that a mirror has nothing
 * to do. The order of the refs and symbolic refs do not count; the object format does, and for a mirror that follows
 * the remote's default branch (`withHead`) what HEAD points at.
 */
export function digestRefs(
  { refs, objectFormat, head }: AdvertisedRefs,
  wanted: (ref: RefName) => boolean,
  { withHead }: { readonly withHead: boolean } = { withHead: false },
): string {
  const lines: string[] = [];
  let isSorted = true;
  let last = "";
  for (const [name, { oid, symref }] of refs) {
    if (symref !== undefined || !wanted(name)) continue;
    const line = `${name} ${oid}`;
    // Remotes list in order, nearly always; sorting 50,000 lines costs more than all the rest.
    isSorted &&= last <= line;
    last = line;
    lines.push(line);
  }
  if (!isSorted) lines.sort();
  // Neither a name nor an oid holds a line break, and no full ref name is HEAD, so no two states make the same text.
  const first = withHead ? [objectFormat, `HEAD ${head ?? ""}`] : [objectFormat];
  return createHash("sha256")
    .update([...first, ...lines].join("\n"))
    .digest("hex");
}
