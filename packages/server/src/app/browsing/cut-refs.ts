import { HeliostatError } from "../../domain/errors.ts";
import { type RefName, shortName } from "../../domain/ref-name.ts";
import type { RefPosition } from "./browsing-use-cases.ts";

/**
 * What of a list of refs stands at a position. `order` is that of the names, by which the list goes on behind one that
 * is gone; null: the list has another order, and such a position is nowhere (`parameter-invalid`).
 */
export function cutRefs(
  names: readonly RefName[],
  position: RefPosition,
  order: "asc" | "desc" | null,
): { readonly shown: readonly RefName[]; readonly hasMore: boolean } {
  const [from, count] =
    position.kind === "page"
      ? [(position.page.page - 1) * position.page.perPage, position.page.perPage]
      : [position.name === null ? 0 : findNext(names, position.name, order), position.count];
  return { shown: names.slice(from, from + count), hasMore: names.length > from + count };
}

function findNext(names: readonly RefName[], name: string, order: "asc" | "desc" | null): number {
  if (order !== null) {
    const next = names.findIndex((ref) => (order === "asc" ? shortName(ref) > name : shortName(ref) < name));
    return next === -1 ? names.length : next;
  }
  const found = names.findIndex((ref) => shortName(ref) === name);
  if (found === -1) {
    throw new HeliostatError(
      "parameter-invalid",
      "page_token is invalid: no ref of this name is in the list. Begin with the first page again.",
    );
  }
  return found + 1;
}
