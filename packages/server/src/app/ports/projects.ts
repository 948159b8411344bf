import type { Visibility } from "@heliostat/contract";
import type { ProjectLimits } from "../../domain/incoming-limits.ts";
import type { Project } from "../../domain/project.ts";
import type { NewProjectEvent, ProjectEvent } from "../../domain/project-event.ts";
import type { User, Viewer } from "../../domain/user.ts";
import type { Page, Paged } from "./instance.ts";

export interface NewProject {
  readonly namespaceId: number;
  readonly name: string;
  readonly path: string;
  readonly description: string | null;
  readonly visibility: Visibility;
  readonly creatorId: number;
}

export interface ProjectStore {
  /** `model-invalid` with GitLab's fields when the path is taken in the namespace. */
  create(project: NewProject): Promise<Project>;
  find(id: number): Promise<Project | null>;
  /** Those of them that exist, in the order given. */
  findAll(ids: readonly number[]): Promise<readonly Project[]>;
  findByFullPath(fullPath: string): Promise<Project | null>;
  update(
    id: number,
    changes: Partial<
      Pick<
        Project,
        | "name"
        | "path"
        | "description"
        | "visibility"
        | "archived"
        | "pullMirrorAvailable"
        | "pushMirrorsAvailable"
      >
    > & { readonly limits?: Partial<ProjectLimits> },
  ): Promise<Project>;
  /** Takes the project and all its rows away; its repository is the caller's to remove afterwards. */
  remove(id: number): Promise<void>;
  /** `visibleTo` null: anonymous; an admin sees all. */
  list(
    filter: { search?: string; visibleTo: Viewer | null; ownedBy?: number },
    page: Page,
  ): Promise<Paged<Project>>;
  /** Called before refs are written: `refsGeneration` reads null until the matching `endRefsWrite`. */
  beginRefsWrite(id: number): Promise<void>;
  /** Raises `refsGeneration` and answers it; null while somebody else still writes, or when the project is gone. */
  endRefsWrite(id: number): Promise<number | null>;
  /**
   * At start, when nobody writes: ends the writes that a killed server left open. What they wrote nobody was told, so
   * the mirrors of these projects are due at once.
   */
  endLostRefsWrites(): Promise<void>;
  touchActivity(id: number, now: Date): Promise<void>;
  /** The right to put the repository in order until then, unless renewed; false while another node has it. */
  claimHousekeeping(
    id: number,
    lease: { readonly now: Date; readonly until: Date; readonly isRenewal: boolean },
  ): Promise<boolean>;
  endHousekeeping(id: number): Promise<void>;
}

export interface ProtectedBranch {
  readonly id: number;
  readonly projectId: number;
  /** An exact name, or with `*` for any run of characters. */
  readonly name: string;
}

export interface ProtectedBranchStore {
  list(projectId: number): Promise<readonly ProtectedBranch[]>;
  create(projectId: number, name: string): Promise<ProtectedBranch>;
  remove(projectId: number, name: string): Promise<boolean>;
}

export interface ProtectedTag {
  readonly id: number;
  readonly projectId: number;
  /** An exact name, or with `*` for any run of characters. */
  readonly name: string;
  /** Who may create such a tag: 0 no one, 30 developers, 40 maintainers. */
  readonly createAccessLevel: number;
}

export interface ProtectedTagStore {
  list(projectId: number): Promise<readonly ProtectedTag[]>;
  /** `conflict` when the name is protected already. */
  create(projectId: number, name: string, createAccessLevel: number): Promise<ProtectedTag>;
  remove(projectId: number, name: string): Promise<boolean>;
}

export interface EventFilter {
  /** Events of this day and later are left out; of this day and earlier. As GitLab's `before` and `after`. */
  readonly before?: Date;
  readonly after?: Date;
  readonly sort: "asc" | "desc";
}

/** An event with the one who made it; null: they are gone, or it was nobody. */
export interface AuthoredEvent {
  readonly event: ProjectEvent;
  readonly author: User | null;
}

export interface EventStore {
  record(events: readonly NewProjectEvent[]): Promise<void>;
  /** In the order in which it happened, or the reverse. */
  list(projectId: number, filter: EventFilter, page: Page): Promise<Paged<AuthoredEvent>>;
}
