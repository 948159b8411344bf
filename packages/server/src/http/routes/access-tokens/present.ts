import type {
  AccessTokenAnswer,
  CreatedAccessTokenAnswer,
  CreatedResourceTokenAnswer,
  ResourceTokenAnswer,
} from "@heliostat/contract/api/access-tokens.ts";
import type { ResourceToken } from "../../../app/ports.ts";
import type { CreatedAccessToken, CreatedResourceToken } from "../../../app/tokens/token-use-cases.ts";
import { tokenState } from "../../../domain/token-state.ts";
import type { AccessToken } from "../../../domain/user.ts";

/** GitLab's fields of a token. `active` is as of now; the day it expires on is the first without it. */
export function presentToken(token: AccessToken): AccessTokenAnswer {
  return {
    id: token.id,
    name: token.name,
    revoked: token.revoked,
    created_at: token.createdAt.toISOString(),
    description: token.description,
    scopes: [...token.scopes],
    user_id: token.userId,
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
    active: tokenState(token, new Date()) === "active",
    expires_at: token.expiresAt?.toISOString().slice(0, 10) ?? null,
  };
}

/** The one answer that has the secret. */
export function presentCreatedToken({ token, secret }: CreatedAccessToken): CreatedAccessTokenAnswer {
  return { ...presentToken(token), token: secret };
}

/** The same of a project's or group's token, with the role of its bot. */
export function presentResourceToken({ token, accessLevel }: ResourceToken): ResourceTokenAnswer {
  return {
    ...presentToken(token),
    access_level: accessLevel,
    resource_type: token.projectId === null ? "group" : "project",
    resource_id: token.projectId ?? token.namespaceId ?? 0,
  };
}

/** The one answer that has its secret. */
export function presentCreatedResourceToken({
  secret,
  ...made
}: CreatedResourceToken): CreatedResourceTokenAnswer {
  return { ...presentResourceToken(made), token: secret };
}
