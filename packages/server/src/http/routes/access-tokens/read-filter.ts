import type { resourceTokenListParams } from "@heliostat/contract/api/access-tokens.ts";
import type { z } from "zod";
import type { TokenFilter } from "../../../app/ports.ts";
import { given } from "../../../domain/given.ts";

/** What parameters of a list of tokens ask for, but for whose they are to be. */
export function readFilter(
  params: Omit<z.output<typeof resourceTokenListParams>, "id">,
): Omit<TokenFilter, "userId"> {
  return given({
    state: params.state,
    revoked: params.revoked,
    search: params.search,
    createdAfter: params.created_after,
    createdBefore: params.created_before,
    lastUsedAfter: params.last_used_after,
    lastUsedBefore: params.last_used_before,
    expiresAfter: params.expires_after,
    expiresBefore: params.expires_before,
  });
}
