import { HeliostatError } from "../../domain/errors.ts";
import { hasExpired, type SshKey } from "../../domain/ssh-key.ts";
import { tokenState } from "../../domain/token-state.ts";
import type { Principal } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import { asMember, refuseBlocked } from "./authenticate.ts";

/**
 * The principal as they are now, for what goes on long after they signed in. `token-invalid` when the token was revoked
 * or has expired, `unauthenticated` when the session has ended, the SSH key or the user is gone, `forbidden` when they are
 * blocked.
 */
export async function refreshPrincipal(
  ports: Pick<Ports, "clock" | "members" | "sessions" | "sshKeys" | "tokens" | "users">,
  principal: Principal,
): Promise<Principal> {
  if (principal.kind === "anonymous") return principal;
  if (principal.kind === "deploy-key") {
    const found = await findGoodKey(ports, principal.key.id);
    if (found.kind !== "deploy") throw keyIsGone();
    return { ...principal, key: found.key };
  }
  const user = await ports.users.find(principal.user.id);
  if (!user) throw new HeliostatError("unauthenticated", "Unauthorized");
  refuseBlocked(user);
  const member = await asMember(ports, user);
  if (principal.session && !(await ports.sessions.find(principal.session.id))) {
    throw new HeliostatError("unauthenticated", "The session has ended: sign in again.");
  }
  if (principal.sshKey) await findGoodKey(ports, principal.sshKey.id);
  if (principal.token === null) return { ...principal, ...member };
  const token = await ports.tokens.find(principal.token.id);
  if (!token || tokenState(token, ports.clock.now()) !== "active") {
    throw new HeliostatError("token-invalid", "The token was revoked or has expired.");
  }
  return { ...principal, ...member, token };
}

async function findGoodKey(ports: Pick<Ports, "clock" | "sshKeys">, id: number): Promise<SshKey> {
  const found = await ports.sshKeys.find(id);
  if (!found || hasExpired(found.key, ports.clock.now())) throw keyIsGone();
  return found;
}

function keyIsGone(): HeliostatError {
  return new HeliostatError("unauthenticated", "The SSH key was removed or has expired.");
}
