import type {
  AccessTokenAnswer,
  CreatedAccessTokenAnswer,
} from "@heliostat/contract/api/personal-access-tokens.ts";
import type { CreatedAccessToken } from "../../../app/use-cases.ts";
import type { AccessToken } from "../../../domain/user.ts";

export function presentToken(token: AccessToken): AccessTokenAnswer {
  const hasExpired = token.expiresAt !== null && token.expiresAt.getTime() <= Date.now();
  return {
    id: token.id,
    name: token.name,
    revoked: token.revoked,
    created_at: token.createdAt.toISOString(),
    description: null,
    scopes: [...token.scopes],
    user_id: token.userId,
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
    active: !token.revoked && !hasExpired,
    expires_at: token.expiresAt?.toISOString().slice(0, 10) ?? null,
  };
}

export function presentCreatedToken({ token, secret }: CreatedAccessToken): CreatedAccessTokenAnswer {
  return { ...presentToken(token), token: secret };
}
