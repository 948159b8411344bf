import type { TokenScope } from "@heliostat/contract";
import { HeliostatError } from "../../domain/errors.ts";
import { scopesBeyond } from "../../domain/token-power.ts";
import type { AccessToken, Principal } from "../../domain/user.ts";
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

/**
 * When a token ends that this principal makes: as wanted; with a token that ends itself, no later than that one, or
 * whoever has a copy of it would have got in for ever. `wanted` null: never, or with it. `model-invalid` for a later day.
 */
export function noLaterThanOwn(principal: Principal, wanted: Date | null): Date | null {
  const own = principal.kind === "user" ? (principal.token?.expiresAt ?? null) : null;
  if (own === null) return wanted;
  if (wanted === null) return own;
  if (wanted <= own) return wanted;
  const last = own.toISOString().slice(0, 10);
  throw new HeliostatError("model-invalid", `expires_at must not be after ${last}`, {
    fields: { expires_at: [`must not be after ${last}, when the token that makes it ends`] },
  });
}

/**
 * When the successor of a token expires. A token that rotates itself may leave one that ends later: its own end comes with
 * it. Of others no later than itself. `model-invalid` for a day that is over, or too late.
 */
export function expiryAfterRotation(
  principal: Principal,
  old: Pick<AccessToken, "expiresAt" | "id">,
  { expiresAt }: TokenRotation,
  now: Date,
): Date | null {
  const own = principal.kind === "user" ? principal.token : null;
  const last = own === null || own.id === old.id ? null : own.expiresAt;
  if (expiresAt === undefined) {
    const usual = old.expiresAt === null ? null : midnightAfter(now, A_WEEK_MS);
    return last !== null && (usual === null || usual > last) ? last : usual;
  }
  if (expiresAt <= now) {
    throw new HeliostatError("model-invalid", "expires_at must be in the future", {
      fields: { expires_at: ["must be in the future"] },
    });
  }
  return last === null ? expiresAt : noLaterThanOwn(principal, expiresAt);
}

function midnightAfter(now: Date, ms: number): Date {
  return new Date(`${new Date(now.getTime() + ms).toISOString().slice(0, 10)}T00:00:00Z`);
}

/** What a rotation of a dead token ends with: there is nothing to put another one in the place of. */
export function alreadyRevoked(): HeliostatError {
  return new HeliostatError("model-invalid", "400 Bad request - Token already revoked");
}
