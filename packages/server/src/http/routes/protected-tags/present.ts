import type { ProtectedTagAnswer } from "@heliostat/contract/api/protected-tags.ts";
import type { ProtectedTag } from "../../../app/ports.ts";
import { presentEntry } from "../protected-branches/access-entries.ts";

/** In GitLab's form, which has no id of the rule itself. */
export function presentProtectedTag({ name, create }: ProtectedTag): ProtectedTagAnswer {
  return { name, create_access_levels: create.map(presentEntry) };
}
