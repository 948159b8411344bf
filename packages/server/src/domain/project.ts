import type { Visibility } from "@heliostat/contract";

/** A user or a group: what a project lives in. Paths compare without regard to case, as in GitLab. */
export interface Namespace {
  readonly id: number;
  readonly kind: "user" | "group";
  readonly name: string;
  readonly path: string;
  readonly fullPath: string;
  readonly parentId: number | null;
  /** The user whose own namespace this is; null for a group. */
  readonly ownerId: number | null;
}

/** A hosted bare repository with its settings. Its place on disk depends on `id` alone, never on a name. */
export interface Project {
  readonly id: number;
  readonly namespace: Namespace;
  readonly name: string;
  readonly path: string;
  readonly description: string | null;
  readonly visibility: Visibility;
  readonly archived: boolean;
  readonly creatorId: number | null;
  /**
   * Counts the moments at which this repository's refs may have changed. Raised *before* refs are written, so
   * that a crash in between leaves a mirror that looks again rather than one that believes it is in step.
   */
  readonly refsGeneration: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastActivityAt: Date;
}

export function fullPathOf(project: Project): string {
  return `${project.namespace.fullPath}/${project.path}`;
}
