import type { TokenScope } from "@heliostat/contract";
import { HeliostatError } from "../../domain/errors.ts";
import { scopesBeyond } from "../../domain/token-power.ts";
import type { Principal } from "../../domain/user.ts";
import type { TokenRotation } from "./token-use-cases.ts";

const LONGEST_TEXT = 255;
const A_WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const ADMINS_ONLY: ReadonlySet<TokenScope> = new Set(["admin_mode", "sudo"]);

interface Draft {
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly TokenScope[];
  readonly expiresAt: Date | null;
}

/** `model-invalid`, with GitLab's words for each field, unless such a token can be made; `forAdmin`: whether for an admin. */
export function checkTokenDraft(draft: Draft, now: Date, { forAdmin }: { readonly forAdmin: boolean }): void {
  const fields: Record<string, string[]> = {};
  const tooLong = `is too long (maximum is ${LONGEST_TEXT} characters)`;
  if (draft.name.trim() === "") fields["name"] = ["can't be blank"];
  else if (draft.name.length > LONGEST_TEXT) fields["name"] = [tooLong];
  if ((draft.description?.length ?? 0) > LONGEST_TEXT) fields["description"] = [tooLong];
  if (draft.scopes.length === 0) fields["scopes"] = ["can't be blank"];
  else if (!forAdmin && draft.scopes.some((scope) => ADMINS_ONLY.has(scope))) {
    fields["scopes"] = ["can only contain available scopes"];
  }
  if (draft.expiresAt !== null && draft.expiresAt <= now) fields["expires_at"] = ["must be in the future"];
  if (Object.keys(fields).length > 0) {
    throw new HeliostatError("model-invalid", "the token is not valid", { fields });
  }
}

/** `forbidden` when the principal came with a token that may not do all of this itself. */
export function refuseMorePower(principal: Principal, scopes: readonly TokenScope[]): void {
  const own = principal.kind === "user" ? (principal.token?.scopes ?? null) : [];
  const beyond = scopesBeyond(own, scopes);
  if (beyond.length === 0) return;
  throw new HeliostatError(
    "forbidden",
    `A token cannot make one that may do more than itself, and yours lacks ${beyond.join(", ")}.`,
  );
}

/** When the successor of a token expires. `model-invalid` for a day that is over. */
export function expiryAfterRotation(
  old: { readonly expiresAt: Date | null },
  { expiresAt }: TokenRotation,
  now: Date,
): Date | null {
  if (expiresAt === undefined) {
    if (old.expiresAt === null) return null;
    return new Date(`${new Date(now.getTime() + A_WEEK_MS).toISOString().slice(0, 10)}T00:00:00Z`);
  }
  if (expiresAt > now) return expiresAt;
  throw new HeliostatError("model-invalid", "expires_at must be in the future", {
    fields: { expires_at: ["must be in the future"] },
  });
}

/** What a rotation of a dead token ends with: there is nothing to put another one in the place of. */
export function alreadyRevoked(): HeliostatError {
  return new HeliostatError("model-invalid", "400 Bad request - Token already revoked");
}
