import type { TokenScope } from "@heliostat/contract";

/** What a token of this scope can do besides, so that it may hand it on. */
const COVERED: Readonly<Record<TokenScope, readonly TokenScope[]>> = {
  api: ["api", "read_api", "read_repository", "write_repository"],
  read_api: ["read_api"],
  read_repository: ["read_repository"],
  write_repository: ["read_repository", "write_repository"],
  admin_mode: ["admin_mode"],
  sudo: ["sudo"],
};

/**
 * Those of the wanted scopes that whoever has `own` may not give to another token, because it would be able to do more
 * than their own; null: somebody who signed in, who has every scope.
 */
export function scopesBeyond(
  own: readonly TokenScope[] | null,
  wanted: readonly TokenScope[],
): readonly TokenScope[] {
  if (own === null) return [];
  return wanted.filter((scope) => !own.some((held) => COVERED[held].includes(scope)));
}
