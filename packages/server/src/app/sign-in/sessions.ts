import { randomBytes } from "node:crypto";
import { HeliostatError } from "../../domain/errors.ts";
import { endOfSession, isLive, nextStep, type Session } from "../../domain/session.ts";
import type { Origin, User } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { asMember } from "../accounts/authenticate.ts";
import { digestToken } from "../accounts/token-digest.ts";
import { auditedUser } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { OpenedSession, SessionUseCases, SignInOrigin } from "./session-use-cases.ts";

type SessionPorts = Pick<Ports, "audit" | "clock" | "members" | "sessions" | "settings">;

/** 256 bits: nobody guesses one, so that a plain digest of it is safe to store. */
const SECRET_BYTES = 32;

/** Browsers say a lot of themselves; nobody reads more than this. */
const LONGEST_USER_AGENT = 255;

const MINUTE_MS = 60_000;

/** What made it certain; of a password the hash that was stored. */
type OpenedBy = { readonly method: "password"; readonly passwordHash: string } | { readonly method: "oidc" };

/**
 * Opens a session for a user of whom it is certain who they are. The secret is always a new one: whatever a browser had
 * before is not made good by signing in. `sign-in-refused` when they were blocked in the meantime, or the password is not
 * theirs any more: who ends all their sessions then would miss this one.
 */
export async function openSession(
  ports: Pick<Ports, "audit" | "clock" | "sessions" | "settings">,
  user: User,
  how: OpenedBy & { readonly from: SignInOrigin },
): Promise<OpenedSession> {
  const { method, from } = how;
  const now = ports.clock.now();
  const { sessionExpireDelay, requiresSecondFactor } = await ports.settings.read();
  const secret = makeSecret();
  const session = await ports.sessions.create({
    passwordHash: how.method === "password" ? how.passwordHash : null,
    userId: user.id,
    digest: digestToken(secret),
    csrfToken: makeSecret(),
    method,
    createdAt: now,
    expiresAt: endOfSession(now, sessionExpireDelay),
    address: from.address,
    userAgent: from.userAgent?.slice(0, LONGEST_USER_AGENT) ?? null,
  });
  if (session === null) {
    throw new HeliostatError("sign-in-refused", "The account was changed at this moment. Sign in again.");
  }
  await recordAudit(
    ports,
    { kind: "user", token: null, user, memberships: [], from },
    {
      action: "signed-in",
      entity: auditedUser(user),
      details: { method },
    },
  );
  return {
    ...{ user, session, secret },
    mustSetUpSecondFactor: requiresSecondFactor && method === "password" && !user.hasSecondFactor,
  };
}

/** Sessions while they last. A secret that was replaced and is shown again was copied: then the session ends. */
export function sessionUseCases(ports: SessionPorts): SessionUseCases {
  return {
    async authenticateSession(secret, from) {
      if (secret === "") return null;
      const digest = digestToken(secret);
      const found = await ports.sessions.findByDigest(digest);
      if (!found) return null;
      const { session, user, isPrevious } = found;
      const now = ports.clock.now();
      const { sessionExpireDelay, requiresSecondFactor } = await ports.settings.read();
      if (!isLive(session, now, sessionExpireDelay) || user.state === "blocked") return null;
      const seen = { at: now, address: from.address, rotatedAt: session.rotatedAt };
      let renewed: string | null = null;
      switch (nextStep(session, isPrevious, now)) {
        case "end":
          await endStolen(ports, session, user, from);
          return null;
        case "rotate": {
          const next = makeSecret();
          const isFirst = await ports.sessions.rotate(session.id, { digest, next: digestToken(next) }, seen);
          if (isFirst) renewed = next;
          break;
        }
        case "touch":
          await ports.sessions.touch(session.id, seen);
          break;
        case "use":
          break;
      }
      const member = await asMember(ports, user);
      return {
        principal: { kind: "user", token: null, ...member, session, from },
        renewed: renewed === null ? null : { secret: renewed },
        mustSetUpSecondFactor: requiresSecondFactor && session.method === "password" && !user.hasSecondFactor,
      };
    },
    async signOut(principal) {
      if (principal.kind !== "user" || !principal.session) return;
      const { user, session } = principal;
      await ports.sessions.end(user.id, session.id);
      await recordAudit(ports, principal, { action: "signed-out", entity: auditedUser(user) });
    },
    async listSessions(principal) {
      const { user } = requireSignedIn(principal);
      const now = ports.clock.now();
      const { sessionExpireDelay } = await ports.settings.read();
      return await ports.sessions.listOf(user.id, now, idleSince(now, sessionExpireDelay));
    },
    async endSession(principal, id) {
      const { user } = requireSignedIn(principal);
      if (!(await ports.sessions.end(user.id, id))) throw new HeliostatError("not-found", "Not found");
      await recordAudit(ports, principal, { action: "session-ended", entity: auditedUser(user) });
    },
    async endOtherSessions(principal) {
      const { user, session } = requireSignedIn(principal);
      return await endSessionsOf(ports, principal, user, session?.id ?? null);
    },
  };
}

/** Ends all sessions of a user but `except`, and notes that this principal did. Answers how many. */
export async function endSessionsOf(
  ports: Pick<Ports, "audit" | "clock" | "sessions">,
  principal: Parameters<typeof recordAudit>[1],
  user: User,
  except: number | null,
): Promise<number> {
  const ended = await ports.sessions.endAllOf(user.id, except);
  if (ended > 0) {
    const details = { sessions: ended };
    await recordAudit(ports, principal, { action: "session-ended", entity: auditedUser(user), details });
  }
  return ended;
}

/** The moment since which a session must have been used to be live. */
export function idleSince(now: Date, idleMinutes: number): Date {
  return new Date(now.getTime() - idleMinutes * MINUTE_MS);
}

async function endStolen(
  ports: Pick<Ports, "audit" | "clock" | "sessions">,
  session: Session,
  user: User,
  from: Origin,
): Promise<void> {
  await ports.sessions.end(user.id, session.id);
  await recordAudit(
    ports,
    { kind: "anonymous", from },
    {
      action: "session-ended",
      entity: auditedUser(user),
      details: { reason: "a secret came again that had been replaced: somebody has a copy" },
    },
  );
}

function makeSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}
