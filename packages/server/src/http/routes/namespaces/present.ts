import type { NamespaceAnswer } from "@heliostat/contract/api/namespaces.ts";
import type { Namespace } from "../../../domain/project.ts";

/** GitLab's fields of a namespace, a user's or a group's. */
export function presentNamespace(namespace: Namespace, externalUrl: string): NamespaceAnswer {
  const isGroup = namespace.kind === "group";
  return {
    id: namespace.id,
    name: namespace.name,
    path: namespace.path,
    kind: namespace.kind,
    full_path: namespace.fullPath,
    parent_id: namespace.parentId,
    avatar_url: null,
    web_url: `${externalUrl}/${isGroup ? "groups/" : ""}${namespace.fullPath}`,
  };
}
