import type { AccessToken } from "./user.ts";

export type TokenState = "active" | "revoked" | "expired";

/** Whether an access token is good at this moment, and if not, why. */
export function tokenState(token: Pick<AccessToken, "revoked" | "expiresAt">, now: Date): TokenState {
  if (token.revoked) return "revoked";
  return token.expiresAt !== null && token.expiresAt <= now ? "expired" : "active";
}
