import type { ProtectedTagAnswer } from "@heliostat/contract/api/protected-tags.ts";
import type { ProtectedTag } from "../../../app/ports.ts";

/** GitLab's words for its numbers. */
const DESCRIPTIONS: Readonly<Record<number, string>> = {
  0: "No one",
  30: "Developers + Maintainers",
  40: "Maintainers",
};

/** A rule has one level here, so that its entry can have the id of the rule. */
export function presentProtectedTag({ id, name, createAccessLevel }: ProtectedTag): ProtectedTagAnswer {
  const description = DESCRIPTIONS[createAccessLevel] ?? "";
  return {
    name,
    create_access_levels: [{ id, access_level: createAccessLevel, access_level_description: description }],
  };
}
