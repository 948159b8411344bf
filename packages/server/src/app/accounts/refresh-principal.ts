import { HeliostatError } from "../../domain/errors.ts";
import { isLive } from "../../domain/session.ts";
import { hasExpired, type SshKey } from "../../domain/ssh-key.ts";
import { tokenState } from "../../domain/token-state.ts";
import type { Principal, User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import { asMember, refuseBlocked } from "./authenticate.ts";
import { markPassword } from "./mark-password.ts";

type RefreshPorts = Pick<
  Ports,
  "clock" | "members" | "sessions" | "settings" | "sshKeys" | "tokens" | "users"
>;

/**
 * The principal as they are now, for what goes on long after they signed in. `token-invalid` when the token was revoked
 * or has expired, `unauthenticated` when the session has ended, the password was replaced, the SSH key or the user is
 * gone, `forbidden` when they are blocked, or whoever acts for them is no admin any more.
 */
export async function refreshPrincipal(ports: RefreshPorts, principal: Principal): Promise<Principal> {
  if (principal.kind === "anonymous") return principal;
  if (principal.kind === "deploy-key") {
    const found = await findGoodKey(ports, principal.key.id);
    if (found.kind !== "deploy") throw keyIsGone();
    return { ...principal, key: found.key };
  }
  const user = await findUser(ports, principal.user.id);
  const member = await asMember(ports, user);
  if (principal.session) await requireLiveSession(ports, principal.session.id);
  if (principal.sshKey) await findGoodKey(ports, principal.sshKey.id);
  if (principal.passwordMark !== undefined) await requirePassword(ports, user, principal.passwordMark);
  const impersonator = principal.impersonator && (await findUser(ports, principal.impersonator.id));
  if (impersonator && !impersonator.isAdmin) {
    throw new HeliostatError("forbidden", "Must be admin to use sudo");
  }
  const now = { ...principal, ...member, ...(impersonator && { impersonator }) };
  if (principal.token === null) return now;
  const token = await ports.tokens.find(principal.token.id);
  if (!token || tokenState(token, ports.clock.now()) !== "active") {
    throw new HeliostatError("token-invalid", "The token was revoked or has expired.");
  }
  return { ...now, token };
}

async function findUser(ports: Pick<Ports, "users">, id: number): Promise<User> {
  const user = await ports.users.find(id);
  if (!user) throw new HeliostatError("unauthenticated", "Unauthorized");
  refuseBlocked(user);
  return user;
}

async function requireLiveSession(
  ports: Pick<Ports, "clock" | "sessions" | "settings">,
  id: number,
): Promise<void> {
  const session = await ports.sessions.find(id);
  const { sessionExpireDelay } = await ports.settings.read();
  if (session && isLive(session, ports.clock.now(), sessionExpireDelay)) return;
  throw new HeliostatError("unauthenticated", "The session has ended: sign in again.");
}

async function requirePassword(ports: Pick<Ports, "users">, { username }: User, mark: string): Promise<void> {
  const found = await ports.users.findForSignIn(username);
  if (found && markPassword(found.passwordHash) === mark) return;
  throw new HeliostatError("unauthenticated", "The password was changed: come with the new one.");
}

async function findGoodKey(ports: Pick<Ports, "clock" | "sshKeys">, id: number): Promise<SshKey> {
  const found = await ports.sshKeys.find(id);
  if (!found || hasExpired(found.key, ports.clock.now())) throw keyIsGone();
  return found;
}

function keyIsGone(): HeliostatError {
  return new HeliostatError("unauthenticated", "The SSH key was removed or has expired.");
}
