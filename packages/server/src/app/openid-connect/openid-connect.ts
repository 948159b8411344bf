import { HeliostatError } from "../../domain/errors.ts";
import { fitUsername, numberedUsername } from "../../domain/fit-username.ts";
import type { Principal, User } from "../../domain/user.ts";
import { requireInPerson, requireSignedIn } from "../access.ts";
import { auditedUser, INSTANCE } from "../audit/entities.ts";
import { identityNotice } from "../notices/identity-notice.ts";
import { tellUser } from "../notices/tell-user.ts";
import { PATH_PATTERN, RESERVED_TOP_LEVEL } from "../path-rules.ts";
import type { ExternalUser, IdentityProvider, Instance, Ports } from "../ports.ts";
import { createRateLimit } from "../rate-limit.ts";
import { recordAudit } from "../record-audit.ts";
import { requireProof } from "../second-factor/require-proof.ts";
import { admit } from "../sign-in/admit.ts";
import type { CheckPassword } from "../sign-in/check-password.ts";
import type { OpenIdConnectUseCases } from "./openid-connect-use-cases.ts";
import { openTicket, sealTicket } from "./ticket.ts";

type OpenIdConnectPorts = Pick<
  Ports,
  | "audit"
  | "clock"
  | "identities"
  | "identityProvider"
  | "log"
  | "mails"
  | "seals"
  | "secondFactors"
  | "sessions"
  | "settings"
  | "signInFailures"
  | "users"
> & { readonly instance: Pick<Instance, "externalUrl"> };

/** Where the provider sends browsers back to; it must know this address. */
export const CALLBACK_PATH = "/users/auth/oidc/callback";

/** Anybody may come back with nonsense, and the audit log is not for anybody to fill. */
const NOTED_FAILURES = { perKey: 20, total: 200, windowMs: 10 * 60_000 } as const;

/** More people of one name than this are a fault of the provider. */
const MOST_OF_A_NAME = 100;

/**
 * Signing in at the configured provider, and connecting an account with one there. All of it is `not-found` without a
 * provider.
 */
export function openIdConnectUseCases(
  ports: OpenIdConnectPorts,
  checkPassword: CheckPassword,
): OpenIdConnectUseCases {
  const { identities } = ports;
  const noted = createRateLimit(ports.clock, NOTED_FAILURES);
  const callbackUrl = (): string => ports.instance.externalUrl.replace(/\/+$/, "") + CALLBACK_PATH;

  function requireProvider(): IdentityProvider {
    if (ports.identityProvider !== null) return ports.identityProvider;
    throw new HeliostatError("not-found", "Not found");
  }

  /** Who comes so, here: the account that they are connected to, or a new one. */
  async function userOf(external: ExternalUser, provider: IdentityProvider, who: Principal): Promise<User> {
    const known = await identities.findUser(external);
    if (known !== null) return known;
    if (!provider.createsUsers) {
      throw new HeliostatError(
        "forbidden",
        `There is no account here for you. Ask an admin of this server for one, then connect it with ${provider.name}.`,
      );
    }
    try {
      return await createUser(external, provider, who);
    } catch (error) {
      // Two tabs at once: the other one has made it.
      const made = await identities.findUser(external);
      if (made !== null) return made;
      throw error;
    }
  }

  async function createUser(
    external: ExternalUser,
    provider: IdentityProvider,
    who: Principal,
  ): Promise<User> {
    const { email } = external;
    if (email === null || !/^[^@\s]+@[^@\s]+$/.test(email)) {
      throw new HeliostatError(
        "forbidden",
        `${provider.name} does not tell your e-mail address, and an account needs one. ` +
          "Add one there, or ask an admin of this server to look at HELIOSTAT_OIDC_SCOPES.",
      );
    }
    if (external.isEmailVerified === false) {
      throw new HeliostatError(
        "forbidden",
        `Your e-mail address is not verified at ${provider.name}. Verify it there, then begin again.`,
      );
    }
    const username = fitUsername(external.username, email);
    for (let attempt = 0; attempt < MOST_OF_A_NAME; attempt += 1) {
      const name = numberedUsername(username, attempt);
      if (!PATH_PATTERN.test(name) || RESERVED_TOP_LEVEL.has(name.toLowerCase())) continue;
      try {
        const draft = { username: name, name: external.name ?? name, email };
        const user = await identities.createUser({ ...draft, isAdmin: false, passwordHash: null }, external);
        await recordAudit(ports, who, {
          action: "user-created",
          entity: auditedUser(user),
          details: { issuer: external.issuer, subject: external.subject },
        });
        return user;
      } catch (error) {
        const fields = error instanceof HeliostatError ? error.fields : undefined;
        if (fields?.["email"]) {
          throw new HeliostatError(
            "conflict",
            `There is an account with your e-mail address here. Sign in with its password, and connect it with ${provider.name} in its settings.`,
            { cause: error },
          );
        }
        if (!fields?.["username"]) throw error;
      }
    }
    throw new HeliostatError(
      "conflict",
      `All user names like ${username} are taken. Tell an admin of this server.`,
    );
  }

  async function connect(
    external: ExternalUser,
    provider: IdentityProvider,
    principal: Principal,
    userId: number,
  ): Promise<void> {
    const { user } = requireSignedIn(principal);
    if (user.id !== userId) {
      throw new HeliostatError("sign-in-expired", "Somebody else is signed in here now. Begin again.");
    }
    const owner = await identities.findUser(external);
    if (owner?.id === user.id) return;
    if (owner !== null) {
      throw new HeliostatError("conflict", "Who you are there is connected to another account here.");
    }
    await identities.connect(user.id, external).catch((error: unknown) => {
      if (!(error instanceof HeliostatError && error.code === "conflict")) throw error;
      throw new HeliostatError(
        "conflict",
        "Your account is connected to somebody else there. Disconnect that one first.",
        { cause: error },
      );
    });
    await recordAudit(ports, principal, {
      action: "identity-connected",
      entity: auditedUser(user),
      details: { issuer: external.issuer, subject: external.subject },
    });
    const who = external.email ?? external.username ?? external.subject;
    await tellUser(
      ports,
      user,
      identityNotice(provider.name, who, ports.clock.now(), principal.from ?? null),
    );
  }

  /** Why, in a word of ours; what the provider said is in the log. */
  async function noteFailure(principal: Principal, error: unknown): Promise<void> {
    if (!noted.take(principal.from?.address ?? "")) return;
    const reason = error instanceof HeliostatError ? error.code : "bug";
    await recordAudit(ports, principal, {
      action: "sign-in-failed",
      entity: INSTANCE,
      details: { method: "oidc", reason },
    });
  }

  return {
    readProviderName: () => ports.identityProvider?.name ?? null,
    async beginProviderSignIn(from) {
      const provider = requireProvider();
      try {
        const { url, checks } = await provider.begin(callbackUrl());
        return { url, ticket: sealTicket(ports, { checks, connectsUserId: null }) };
      } catch (error) {
        await noteFailure({ kind: "anonymous", from }, error);
        throw error;
      }
    },
    async connectIdentity(principal, proof) {
      const provider = requireProvider();
      const signedIn = requireInPerson(principal);
      const { user } = signedIn;
      // It is a way in past the password and the code for good: a session that somebody left open is not enough.
      await requireProof(ports, checkPassword, signedIn, proof);
      const { url, checks } = await provider.begin(callbackUrl());
      return { url, ticket: sealTicket(ports, { checks, connectsUserId: user.id }) };
    },
    async finishAtProvider({ search, ticket }, { principal, from, before }) {
      const provider = requireProvider();
      try {
        const { checks, connectsUserId } = openTicket(ports, ticket);
        const external = await provider.finish(callbackUrl(), search, checks);
        if (connectsUserId !== null) {
          await connect(external, provider, principal, connectsUserId);
          return { kind: "connected" };
        }
        const user = await userOf(external, provider, { kind: "anonymous", from });
        return await admit(ports, user, { method: "oidc", from, before });
      } catch (error) {
        await noteFailure(principal.kind === "user" ? principal : { kind: "anonymous", from }, error);
        throw error;
      }
    },
    async listIdentities(principal) {
      return await identities.listOf(requireInPerson(principal).user.id);
    },
    async disconnectIdentity(principal, id) {
      const { user } = requireInPerson(principal);
      const signIn = await ports.users.findForSignIn(user.username);
      if (!signIn?.passwordHash) {
        throw new HeliostatError(
          "conflict",
          "You have no password here, and could not sign in any more. Ask an admin to set one first.",
        );
      }
      const removed = await identities.remove(user.id, id);
      if (removed === null) throw new HeliostatError("not-found", "Not found");
      await recordAudit(ports, principal, {
        action: "identity-disconnected",
        entity: auditedUser(user),
        details: { issuer: removed.issuer, subject: removed.subject },
      });
    },
  };
}
