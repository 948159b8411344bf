import type { Visibility } from "@heliostat/contract";

/** The least visible first. */
const RANK: Readonly<Record<Visibility, number>> = { private: 0, internal: 1, public: 2 };

/** Whether more people may see the one than the other. */
export function isMoreVisible(one: Visibility, other: Visibility): boolean {
  return RANK[one] > RANK[other];
}

/** The one that fewer people see. */
export function lessVisible(one: Visibility, other: Visibility): Visibility {
  return isMoreVisible(one, other) ? other : one;
}

/**
 * Why something may not be as visible as this in a group of that visibility, in GitLab's words; null: it may. What is in
 * nobody's group (`null`: a user's own namespace) may be anything.
 */
export function complaintAbove(
  wanted: Visibility,
  group: Visibility | null,
  what: "project" | "group",
): string | null {
  if (group === null || !isMoreVisible(wanted, group)) return null;
  return what === "project"
    ? `${wanted} is not allowed in a ${group} group.`
    : `${wanted} is not allowed since the parent group has a ${group} visibility.`;
}

/** Why a group may not be as little visible as this, while these are below it; null: it may. */
export function complaintBelow(
  wanted: Visibility,
  below: { readonly projects: readonly Visibility[]; readonly groups: readonly Visibility[] },
): string | null {
  const exceeds = (visibility: Visibility) => isMoreVisible(visibility, wanted);
  if (below.projects.some(exceeds)) {
    return `${wanted} is not allowed since this group contains projects with higher visibility.`;
  }
  return below.groups.some(exceeds)
    ? `${wanted} is not allowed since there are sub-groups with higher visibility.`
    : null;
}
