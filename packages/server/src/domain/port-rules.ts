import type { MirrorDirection } from "@heliostat/contract";

/**
 * The ports below 1024 that a mirror of this direction may use, as outbound rules; nothing: any. As in GitLab, only
 * pull mirrors have such a list.
 */
export function portRulesOf(direction: MirrorDirection): { readonly lowPorts?: readonly number[] } {
  return direction === "pull" ? { lowPorts: [22, 80, 443] } : {};
}
