import type { FullUserAnswer, PublicUserAnswer, UserAnswer } from "@heliostat/contract/api/users.ts";
import { actsAsAdmin } from "../../../domain/policy.ts";
import { isBot, type Principal, type User } from "../../../domain/user.ts";

/** What everybody may see of a user; it goes into many other answers. */
export function presentUser(user: User, externalUrl: string): UserAnswer {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    state: user.state,
    locked: false,
    avatar_url: null,
    web_url: `${externalUrl}/${user.username}`,
  };
}

function presentPublicUser(user: User, externalUrl: string): PublicUserAnswer {
  return { ...presentUser(user, externalUrl), bot: isBot(user) };
}

/** What only the user and admins may see. */
export function presentFullUser(user: User, externalUrl: string): FullUserAnswer {
  return {
    ...presentPublicUser(user, externalUrl),
    created_at: user.createdAt.toISOString(),
    email: user.email,
    public_email: null,
    commit_email: user.email,
    is_admin: user.isAdmin,
    external: false,
    two_factor_enabled: user.hasSecondFactor,
    can_create_group: true,
    can_create_project: true,
    namespace_id: null,
    identities: [],
  };
}

/** With the address and all else for an admin and for the users themselves; for others what is public. */
export function presentUserFor(principal: Principal, user: User, externalUrl: string): PublicUserAnswer {
  const mayKnowAll = actsAsAdmin(principal) || (principal.kind === "user" && principal.user.id === user.id);
  return mayKnowAll ? presentFullUser(user, externalUrl) : presentPublicUser(user, externalUrl);
}
