import type { SignedIn } from "../../../app/use-cases.ts";
import type { AccessToken, User } from "../../../domain/user.ts";

/** When everything in memory was made. */
export const EPOCH = new Date("2026-01-02T03:04:05.678Z");

/** The admin to whom all but one of the tokens belong. */
export const ROOT: User = {
  id: 1,
  username: "root",
  name: "Root",
  email: "root@example.org",
  isAdmin: true,
  state: "active",
  botOfProjectId: null,
  isTokenBot: false,
  hasSecondFactor: false,
  createdAt: EPOCH,
};

/** Somebody who is no admin. */
export const READER: User = {
  ...ROOT,
  id: 2,
  username: "reader",
  name: "Reader",
  email: "r@example.org",
  isAdmin: false,
};

/** The secrets that the instance in memory knows. `blocked` belongs to an account that may not sign in. */
export const SECRETS = {
  api: "api-secret",
  readApi: "read-secret",
  stranger: "stranger-secret",
  blocked: "blocked",
} as const;

/** A token of this user, with what most tests do not care about. */
export function tokenOf(user: User, id: number, scopes: AccessToken["scopes"]): AccessToken {
  return {
    id,
    userId: user.id,
    name: `token ${id}`,
    scopes,
    revoked: false,
    createdAt: EPOCH,
    lastUsedAt: null,
    description: null,
    projectId: null,
    namespaceId: null,
    expiresAt: null,
  };
}

/** Who may come in, by the secret they show. */
export function listPrincipals(): Map<string, SignedIn> {
  return new Map<string, SignedIn>([
    [
      SECRETS.api,
      { kind: "user", user: ROOT, memberships: [], token: tokenOf(ROOT, 1, ["api", "admin_mode", "sudo"]) },
    ],
    [SECRETS.readApi, { kind: "user", user: ROOT, memberships: [], token: tokenOf(ROOT, 2, ["read_api"]) }],
    [SECRETS.stranger, { kind: "user", user: READER, memberships: [], token: tokenOf(READER, 3, ["api"]) }],
  ]);
}
