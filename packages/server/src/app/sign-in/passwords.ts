import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { passwordComplaints } from "../../domain/password-rules.ts";
import { isBot, type Origin, type Principal, type User } from "../../domain/user.ts";
import { requireAdmin, requireSignedIn } from "../access.ts";
import { auditedUser } from "../audit/entities.ts";
import { passwordNotice } from "../notices/password-notice.ts";
import { tellUser } from "../notices/tell-user.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { CheckPassword } from "./check-password.ts";
import type { PasswordUseCases } from "./password-use-cases.ts";
import { endSessionsOf } from "./sessions.ts";

/** What putting another password in force needs of the world. */
export type PasswordPorts = Pick<
  Ports,
  "audit" | "clock" | "log" | "mails" | "passwords" | "sessions" | "settings" | "users"
> & { readonly instance: Pick<Ports["instance"], "externalUrl"> };

/** Changing passwords. Sessions end, and the user is told by mail, whoever did it. */
export function passwordUseCases(ports: PasswordPorts, checkPassword: CheckPassword): PasswordUseCases {
  return {
    async changePassword(principal, { current, next }) {
      const { user, session } = requireSignedIn(principal);
      // Throttled as a sign-in is: a session that somebody left open is not the way to guess the password.
      const from: Origin = principal.from ?? { door: "internal", address: null };
      const checked = await checkPassword({ username: user.username, password: current }, from);
      if (checked?.user.id !== user.id) throw invalidField("current_password", "is wrong");
      if (current === next) throw invalidField("password", "must not be the one you have");
      await putInForce(ports, principal, user, { password: next, except: session?.id ?? null });
    },
    async setPassword(principal, userId, password) {
      const admin = requireAdmin(principal);
      const user = await ports.users.find(userId);
      if (!user) throw new HeliostatError("not-found", "User Not Found");
      if (user.id === admin.id) {
        throw new HeliostatError("forbidden", "You change your own password by giving the one you have.");
      }
      await putInForce(ports, principal, user, { password, except: null });
    },
  };
}

/**
 * Gives the user of this name another password, in the name of the machine: whoever may run commands on it as the server
 * may. For when nobody can sign in any more. `not-found`; `model-invalid` for a password that is not good enough.
 */
export async function resetPassword(ports: PasswordPorts, username: string, password: string): Promise<User> {
  const user = await ports.users.findByUsername(username);
  if (!user) throw new HeliostatError("not-found", `There is no user ${username}.`);
  const machine: Principal = { kind: "anonymous", from: { door: "cli", address: null } };
  await putInForce(ports, machine, user, { password, except: null });
  return user;
}

/** Writes the hash, ends the user's sessions but `except`, and tells them by mail. */
async function putInForce(
  ports: PasswordPorts,
  principal: Principal,
  user: User,
  { password, except }: { readonly password: string; readonly except: number | null },
): Promise<void> {
  if (isBot(user)) throw new HeliostatError("forbidden", "An internal user has no password.");
  const [complaint] = passwordComplaints(password, user);
  if (complaint !== undefined) throw invalidField("password", complaint);
  await ports.users.setPasswordHash(user.id, await ports.passwords.hash(password));
  const isOwn = principal.kind === "user" && principal.user.id === user.id;
  await recordAudit(ports, principal, {
    action: isOwn ? "password-changed" : "password-reset",
    entity: auditedUser(user),
  });
  await endSessionsOf(ports, principal, user, except);
  await tellUser(
    ports,
    user,
    passwordNotice(isOwn ? "themselves" : "an admin", ports.clock.now(), principal.from ?? null),
  );
}
