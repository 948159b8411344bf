import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { MemberOfSource, Page, Paged } from "../ports.ts";

/** The project or group whose members are meant. */
export interface MemberPlace {
  readonly kind: "project" | "group";
  readonly which: PathOrId;
}

/**
 * Who is what to a project or a group. Whoever sees it sees its members. A project's are given roles by its maintainers,
 * up to their own; those of a group by its owners. What is changed counts from the next request on.
 */
export interface MemberUseCases {
  /** `withInherited`: those of the groups above too, each user once, with the highest role. */
  listMembers(
    principal: Principal,
    place: MemberPlace,
    filter: {
      readonly withInherited: boolean;
      readonly search?: string;
      readonly userIds?: readonly number[];
    },
    page: Page,
  ): Promise<Paged<MemberOfSource>>;
  findMember(
    principal: Principal,
    place: MemberPlace,
    userId: number,
    options: { readonly withInherited: boolean },
  ): Promise<MemberOfSource>;
  /** `conflict` when they are one already; `model-invalid` for less than what they have by a group above. */
  addMember(principal: Principal, place: MemberPlace, member: MemberDraft): Promise<MemberOfSource>;
  /** As many as can be; answers why the others could not, by what they were called. */
  addMembers(
    principal: Principal,
    place: MemberPlace,
    members: readonly MemberDraft[],
  ): Promise<Readonly<Record<string, string>>>;
  /** `forbidden` for the last owner of a group. */
  changeMember(
    principal: Principal,
    place: MemberPlace,
    userId: number,
    changes: { readonly accessLevel: number; readonly expiresAt?: Date | null },
  ): Promise<MemberOfSource>;
  /**
   * Everybody may leave, but for the last owner of a group. With `alsoBelow`, what they were made a member of below the
   * group goes too.
   */
  removeMember(
    principal: Principal,
    place: MemberPlace,
    userId: number,
    options: { readonly alsoBelow: boolean },
  ): Promise<void>;
}

export interface MemberDraft {
  /** Id or user name. */
  readonly user: number | string;
  /** GitLab's number. */
  readonly accessLevel: number;
  /** Midnight UTC of the first day without it; null: it lasts. */
  readonly expiresAt: Date | null;
}
