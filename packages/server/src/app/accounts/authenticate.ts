import { HeliostatError } from "../../domain/errors.ts";
import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import type { SignedIn, UseCases } from "../use-cases.ts";
import { digestToken } from "./token-digest.ts";

type AuthenticationUseCases = Pick<UseCases, "authenticateToken" | "authenticateGit">;

export function authenticationUseCases(
  ports: Pick<Ports, "clock" | "tokens" | "users" | "passwords">,
): AuthenticationUseCases {
  async function authenticateToken(secret: string): Promise<SignedIn | null> {
    if (secret === "") return null;
    const now = ports.clock.now();
    const found = await ports.tokens.findLive(digestToken(secret), now);
    if (!found) return null;
    refuseBlocked(found.user);
    await ports.tokens.touch(found.token.id, now);
    return { kind: "user", user: found.user, token: found.token };
  }

  return {
    authenticateToken,
    async authenticateGit({ username, password }) {
      // Clients put the token in either half: `oauth2:token`, `user:token`, `token:`, `token:x-oauth-basic`.
      const byToken = (await authenticateToken(password)) ?? (await authenticateToken(username));
      if (byToken) return byToken;
      if (username === "" || password === "") return null;
      const found = await ports.users.findForSignIn(username);
      if (!found?.passwordHash) {
        // The same work as for a user who exists, so that the time taken tells nothing.
        await ports.passwords.hash(password);
        return null;
      }
      if (!(await ports.passwords.verify(password, found.passwordHash))) return null;
      refuseBlocked(found.user);
      return { kind: "user", user: found.user, token: null };
    },
  };
}

/** `forbidden` for a blocked user, whatever they ask for. */
export function refuseBlocked(user: User): void {
  if (user.state === "blocked") throw new HeliostatError("forbidden", "Your account has been blocked.");
}
