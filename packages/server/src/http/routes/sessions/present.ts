import type { CurrentSessionAnswer, SessionAnswer } from "@heliostat/contract/api/sessions.ts";
import type { Session } from "../../../domain/session.ts";
import type { User } from "../../../domain/user.ts";
import { presentUser } from "../users/present.ts";

/** Who is signed in, with the token that changing requests have to show; nulls for nobody. */
export function presentCurrentSession(
  current: { readonly user: User; readonly session: Session; readonly mustSetUp: boolean } | null,
  externalUrl: string,
): CurrentSessionAnswer {
  if (current === null)
    return { user: null, csrf_token: null, expires_at: null, must_set_up_two_factor: false };
  const { user, session, mustSetUp } = current;
  const { id, username, name, web_url } = presentUser(user, externalUrl);
  return {
    user: { id, username, name, is_admin: user.isAdmin, web_url },
    csrf_token: session.csrfToken,
    expires_at: session.expiresAt.toISOString(),
    must_set_up_two_factor: mustSetUp,
  };
}

/** A session as its user sees it in a list; `current` is the one that asks. */
export function presentSession(session: Session, current: Session | undefined): SessionAnswer {
  return {
    id: session.id,
    current: session.id === current?.id,
    method: session.method,
    created_at: session.createdAt.toISOString(),
    last_seen_at: session.lastSeenAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    ip_address: session.address,
    user_agent: session.userAgent,
  };
}
