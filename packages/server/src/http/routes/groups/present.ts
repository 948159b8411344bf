import type { GroupAnswer } from "@heliostat/contract/api/groups.ts";
import type { Namespace } from "../../../domain/project.ts";

/** GitLab's fields of a group; the names above it are those of their paths. */
export function presentGroup(group: Namespace, externalUrl: string): GroupAnswer {
  return {
    id: group.id,
    web_url: `${externalUrl}/groups/${group.fullPath}`,
    name: group.name,
    path: group.path,
    description: group.description ?? "",
    visibility: group.visibility ?? "private",
    avatar_url: null,
    full_name: group.fullPath.split("/").slice(0, -1).concat(group.name).join(" / "),
    full_path: group.fullPath,
    parent_id: group.parentId,
  };
}
