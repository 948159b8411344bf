import { HeliostatError } from "../../domain/errors.ts";
import { actsAsAdmin } from "../../domain/policy.ts";
import { tokenState } from "../../domain/token-state.ts";
import type { AccessToken, Member, Origin, Principal, User } from "../../domain/user.ts";
import { requireScope } from "../access.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { CheckPassword } from "../sign-in/check-password.ts";
import { countUnknownToken } from "../sign-in/throttle.ts";
import { findTokenOwner } from "../tokens/change-token.ts";
import type { SignedIn, UseCases } from "../use-cases.ts";
import { markPassword } from "./mark-password.ts";
import { digestToken } from "./token-digest.ts";

type AuthenticationUseCases = Pick<UseCases, "authenticateToken" | "authenticateGit" | "actAs">;

/** Who a token, or Git's user name and password, stand for, and `Sudo`. A token that is shown is noted as used. */
export function authenticationUseCases(
  ports: Pick<
    Ports,
    | "audit"
    | "clock"
    | "log"
    | "members"
    | "namespaces"
    | "projects"
    | "settings"
    | "signInFailures"
    | "tokens"
    | "users"
  >,
  checkPassword: CheckPassword,
): AuthenticationUseCases {
  async function authenticateToken(
    secret: string,
    from: Origin,
    { rotates } = { rotates: false },
  ): Promise<SignedIn | null> {
    if (secret === "") return null;
    const now = ports.clock.now();
    const found = await ports.tokens.findByDigest(digestToken(secret));
    if (!found) return null;
    if (tokenState(found.token, now) !== "active") {
      if (rotates && found.token.revoked) await revokeFamily(found.token, from);
      throw new HeliostatError("token-invalid", "The token was revoked or has expired.");
    }
    refuseBlocked(found.user, "account-blocked");
    await ports.tokens.touch(found.token, now);
    return { kind: "user", ...found, from };
  }

  /** Whoever rotates a token that was rotated before has a copy of it, or somebody else has one of its successor. */
  async function revokeFamily(token: AccessToken, from: Origin): Promise<void> {
    const { id, name } = token;
    const revoked = await ports.tokens.revokeFamily(id);
    if (revoked === 0) return;
    ports.log.warn({ tokenId: id, name }, "a token was rotated twice: its successor was revoked");
    const stranger: Principal = { kind: "anonymous", from };
    const { entity } = await findTokenOwner(ports, stranger, token);
    await recordAudit(ports, stranger, {
      action: "token-family-revoked",
      entity,
      target: { type: "AccessToken", id, details: name },
    });
  }

  return {
    async authenticateToken(secret, from, options) {
      const owner = await authenticateToken(secret, from, options);
      if (owner === null && secret !== "") await countUnknownToken(ports, from);
      return owner;
    },
    async actAs(principal, whom) {
      if (!principal.user.isAdmin) throw new HeliostatError("forbidden", "Must be admin to use sudo");
      requireScope(principal, ["sudo"]);
      if (!actsAsAdmin(principal)) {
        throw new HeliostatError("forbidden", "To use sudo, the token also needs the scope admin_mode.");
      }
      // Digits are an id, as in GitLab, though somebody may be called so: a script must not act as another one by that.
      const id = /^\d{1,9}$/.test(whom) ? Number(whom) : null;
      const user = id === null ? await ports.users.findByUsername(whom) : await ports.users.find(id);
      if (!user) throw new HeliostatError("not-found", `User with ID or username '${whom}' Not Found`);
      refuseBlocked(user);
      return { ...principal, ...(await asMember(ports, user)), impersonator: principal.user };
    },
    async authenticateGit({ username, password }, from) {
      // Clients put the token in either half: `oauth2:token`, `user:token`, `token:`, `token:x-oauth-basic`.
      const byToken = (await authenticateToken(password, from)) ?? (await authenticateToken(username, from));
      if (byToken) return byToken;
      if (username === "" || password === "") return null;
      const checked = await checkPassword({ username, password }, from);
      if (checked === null) return null;
      const { user } = checked;
      refuseBlocked(user, "account-blocked");
      if (user.hasSecondFactor || (await ports.settings.read()).requiresSecondFactor) {
        throw new HeliostatError(
          "password-not-enough",
          "HTTP Basic: Access denied. Your account has a second factor, or must have one: in place of the password, use a " +
            "personal access token.",
        );
      }
      const passwordMark = markPassword(checked.passwordHash);
      return { kind: "user", token: null, ...(await asMember(ports, user)), passwordMark, from };
    },
  };
}

/** The user with all that they are a member of now. */
export async function asMember({ members }: Pick<Ports, "members">, user: User): Promise<Member> {
  return { user, memberships: await members.membershipsOf(user.id) };
}

/** `forbidden`, or what is said of credentials that came with a request, for a blocked user, whatever they ask for. */
export function refuseBlocked(user: User, code: "forbidden" | "account-blocked" = "forbidden"): void {
  if (user.state === "blocked") throw new HeliostatError(code, "Your account has been blocked.");
}
