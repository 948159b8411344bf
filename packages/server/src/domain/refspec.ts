import { HeliostatError } from "./errors.ts";
import { parseRefName, type RefName } from "./ref-name.ts";

declare const brand: unique symbol;

/**
 * Which refs of the source go where on the destination. `src` and `dst` are full names below `refs/`; when one has
 * a single `*`, so has the other. Only `parseRefspec` makes one.
 */
export interface Refspec {
  readonly force: boolean;
  readonly src: string;
  readonly dst: string;
  readonly [brand]: "Refspec";
}

/**
 * Takes `[+]<src>:<dst>` (`refspec-invalid`).
 *
 * Deviation: git also takes short names, a missing side, a bare oid and the exclusion `^<src>`. None of them says in
 * full what goes where, so none is taken here.
 */
export function parseRefspec(text: string): Refspec {
  const force = text.startsWith("+");
  const sides = text.slice(force ? 1 : 0).split(":");
  const [src = "", dst = ""] = sides;
  const stars = countStars(src);
  if (sides.length !== 2 || stars > 1 || stars !== countStars(dst) || !isPattern(src) || !isPattern(dst)) {
    throw new HeliostatError("refspec-invalid", `not a full refspec: ${JSON.stringify(text.slice(0, 400))}`);
  }
  return { force, src, dst } as Refspec;
}

/**
 * Where the refspec sends `ref`, or null when it does not name it. Null too when the name made from a glob is no ref
 * name (`refs/heads/a*:refs/x/*` with `refs/heads/a.b`): git leaves such a ref out as well.
 */
export function mapRef(refspec: Refspec, ref: RefName): RefName | null {
  const [before = "", after] = refspec.src.split("*");
  if (after === undefined) return ref === refspec.src ? parseRefName(refspec.dst) : null;
  if (ref.length < before.length + after.length || !ref.startsWith(before) || !ref.endsWith(after))
    return null;
  const middle = ref.slice(before.length, ref.length - after.length);
  return refNameOrNull(refspec.dst.replace("*", () => middle));
}

function countStars(pattern: string): number {
  return pattern.split("*").length - 1;
}

/** Git's rule for patterns: a `*` stands where an ordinary character could. */
function isPattern(text: string): boolean {
  return refNameOrNull(text.replace("*", "x")) !== null;
}

function refNameOrNull(text: string): RefName | null {
  try {
    return parseRefName(text);
  } catch {
    return null;
  }
}
