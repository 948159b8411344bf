import type { MemberUseCases } from "../../../app/members/member-use-cases.ts";
import type { MemberOfSource } from "../../../app/ports.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { paged } from "./memory.ts";
import { EPOCH, READER, ROOT } from "./people.ts";

const MEMBER: MemberOfSource = {
  user: READER,
  accessLevel: 30,
  expiresAt: "2030-01-31",
  createdAt: EPOCH,
  createdBy: ROOT,
};

/** One member, of whatever is asked for. */
export function membersInMemory(): MemberUseCases {
  return {
    listMembers: async (_principal, _place, _filter, page) => paged([MEMBER], page),
    findMember: async () => MEMBER,
    addMember: async (_principal, _place, { user, accessLevel, expiresAt }) => {
      if (user === MEMBER.user.id) throw new HeliostatError("conflict", "Member already exists");
      return { ...MEMBER, accessLevel, expiresAt: expiresAt?.toISOString().slice(0, 10) ?? null };
    },
    addMembers: async (_principal, _place, drafts) =>
      Object.fromEntries(
        drafts
          .filter(({ user }) => user === MEMBER.user.id)
          .map(({ user }) => [user, "Member already exists"]),
      ),
    changeMember: async (_principal, _place, _userId, { accessLevel }) => ({ ...MEMBER, accessLevel }),
    removeMember: async () => undefined,
  };
}
