import type { PushesToMirroredBranches, Visibility } from "@heliostat/contract";
import type { KeptAttributes } from "@heliostat/contract/api/kept-attributes.ts";
import type { ProjectLimits } from "./incoming-limits.ts";

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
  /** Its id and those of all above it, the root first. */
  readonly traversalIds: readonly number[];
  /** Who may know of a group; null for the namespace of a user. */
  readonly visibility: Visibility | null;
  readonly description: string | null;
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
  /** Whether it may have a pull mirror, and push mirrors; null: as the instance setting `mirror_available` says. */
  readonly pullMirrorAvailable: boolean | null;
  readonly pushMirrorsAvailable: boolean | null;
  readonly limits: ProjectLimits;
  /** Of a client, to a branch that the pull mirror writes. */
  readonly pushesToMirroredBranches: PushesToMirroredBranches;
  /** Whether its default branch has come, and was protected then as the instance said. */
  readonly defaultBranchWasProtected: boolean;
  readonly topics: readonly string[];
  /** Attributes that clients set and read back, and that mean nothing here. */
  readonly keptAttributes: Readonly<Partial<KeptAttributes>>;
  /**
   * Counts the writes to this repository's refs. Null while one is under way, or was when the server died: then
   * nobody can say that they have seen the last state, and a mirror looks again.
   */
  readonly refsGeneration: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastActivityAt: Date;
}

/** The path that its URLs are made of, namespace included: `group/sub/project`. Another one once it is moved. */
export function fullPathOf(project: Project): string {
  return `${project.namespace.fullPath}/${project.path}`;
}
