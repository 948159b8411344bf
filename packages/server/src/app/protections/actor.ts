import { accessLevel, actsAsAdmin, levelOfUser } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Actor } from "../../domain/protections.ts";
import type { Member, Principal } from "../../domain/user.ts";

/** Who asks, as the rules of protected branches and tags see them. */
export function actorOf(principal: Principal, project: Project): Actor {
  return {
    level: accessLevel(principal, project),
    isAdmin: actsAsAdmin(principal),
    userId: principal.kind === "user" ? principal.user.id : null,
    groupIds: principal.kind === "user" ? groupsOf(principal) : [],
    deployKeyId: principal.kind === "deploy-key" ? principal.key.id : null,
  };
}

/** The same for a user in whose name a mirror runs. */
export function actorOfMember(member: Member, project: Project): Actor {
  return {
    level: levelOfUser(member, project),
    isAdmin: member.user.isAdmin,
    userId: member.user.id,
    groupIds: groupsOf(member),
    deployKeyId: null,
  };
}

function groupsOf({ memberships }: Pick<Member, "memberships">): readonly number[] {
  return memberships.flatMap(({ namespaceId }) => namespaceId ?? []);
}
