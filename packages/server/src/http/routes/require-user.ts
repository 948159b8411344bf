import { HeliostatError } from "../../domain/errors.ts";
import type { AccessToken, Principal, User } from "../../domain/user.ts";

/** The user who asks; `unauthenticated` when nobody signed in. */
export function requireUser(principal: Principal): User {
  if (principal.kind === "user") return principal.user;
  throw new HeliostatError("unauthenticated", "This needs a token.");
}

/** The token that is used to ask; `not-found` for one who signed in by password. */
export function requireToken(principal: Principal): AccessToken {
  if (principal.kind === "user" && principal.token !== null) return principal.token;
  throw new HeliostatError("not-found", "Not Found");
}
