import type { MemberAnswer } from "@heliostat/contract/api/members.ts";
import type { MemberOfSource } from "../../../app/ports.ts";
import { presentUser } from "../users/present.ts";

/** The user with their role; without `created_by` where nobody is known, as GitLab does. */
export function presentMember(member: MemberOfSource, externalUrl: string): MemberAnswer {
  return {
    ...presentUser(member.user, externalUrl),
    access_level: member.accessLevel,
    created_at: member.createdAt.toISOString(),
    ...(member.createdBy === null ? {} : { created_by: presentUser(member.createdBy, externalUrl) }),
    expires_at: member.expiresAt,
    membership_state: "active",
  };
}
