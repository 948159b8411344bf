import type { Visibility } from "@heliostat/contract";
import type { ProjectLimits } from "../../domain/incoming-limits.ts";
import type { Project } from "../../domain/project.ts";
import type { NewProjectEvent, ProjectEvent } from "../../domain/project-event.ts";
import type { Grantee } from "../../domain/protections.ts";
import type { User, Viewer } from "../../domain/user.ts";
import type { Page, Paged, Part, Window } from "./instance.ts";

export interface NewProject {
  readonly namespaceId: number;
  readonly name: string;
  readonly path: string;
  readonly description: string | null;
  readonly visibility: Visibility;
  readonly creatorId: number;
  readonly topics?: readonly string[];
  readonly keptAttributes?: Project["keptAttributes"];
}

export interface StoredProjectFilter {
  readonly search?: string;
  /** Null: anonymous; an admin sees all. */
  readonly visibleTo: Viewer | null;
  /** Only those of which the viewer is a member of this level at least, an admin too. */
  readonly leastLevel?: number;
  /** Only those in this namespace; `withBelow`: and in the groups below it. */
  readonly namespaceId?: number;
  readonly withBelow?: boolean;
  readonly visibility?: Visibility;
  readonly archived?: boolean;
  readonly idAfter?: number;
  readonly idBefore?: number;
  readonly lastActivityAfter?: Date;
  readonly lastActivityBefore?: Date;
  /** Only those that have all of these topics. */
  readonly topics?: readonly string[];
  /** The newest first unless told. */
  readonly order?: {
    readonly by: "id" | "name" | "path" | "created_at" | "updated_at" | "last_activity_at";
    readonly descending: boolean;
  };
}

export interface ProjectStore {
  /**
   * `model-invalid` with GitLab's fields when the path is taken in the namespace, or the project would be more visible
   * than its group; so too when it is changed.
   */
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
        | "pushesToMirroredBranches"
        | "topics"
        // Added to those that are kept already.
        | "keptAttributes"
      >
    > & { readonly limits?: Partial<ProjectLimits> },
  ): Promise<Project>;
  /** Takes the project and all its rows away; its repository is the caller's to remove afterwards. */
  remove(id: number): Promise<void>;
  /** To another namespace, less visible where that is; `model-invalid` when the path is taken there. */
  transfer(id: number, namespaceId: number): Promise<Project>;
  /** `parameter-invalid` for a cursor that is none of a list in this order. */
  list(filter: StoredProjectFilter, window: Window): Promise<Part<Project>>;
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

/** One entry of a rule. Its id stays the same as long as it is there: clients delete entries by it. */
export interface AccessEntry {
  readonly id: number;
  readonly grantee: Grantee;
  /** Of the user, group or deploy key; null for a role. */
  readonly name: string | null;
}

/** What an entry of a protected branch is about. `merge` is kept for GitLab's clients. */
export type BranchAction = "push" | "merge" | "unprotect";

export interface ProtectedBranch extends Readonly<Record<BranchAction, readonly AccessEntry[]>> {
  readonly id: number;
  readonly projectId: number;
  /** An exact name, or with `*` for any run of characters. */
  readonly name: string;
  readonly allowForcePush: boolean;
}

export interface NewProtectedBranch extends Readonly<Record<BranchAction, readonly Grantee[]>> {
  readonly name: string;
  readonly allowForcePush: boolean;
}

/** Entries to add, to take away, and to name somebody else from now on; by id. */
export interface EntryChanges {
  readonly add: readonly Grantee[];
  readonly remove: readonly number[];
  readonly change: readonly { readonly id: number; readonly grantee: Grantee }[];
}

export interface ProtectedBranchChanges extends Readonly<Partial<Record<BranchAction, EntryChanges>>> {
  readonly allowForcePush?: boolean;
}

export interface ProtectedBranchStore {
  list(projectId: number): Promise<readonly ProtectedBranch[]>;
  /** `conflict` when the name is protected already. */
  create(projectId: number, branch: NewProtectedBranch): Promise<ProtectedBranch>;
  /** Null when there is none of this name. Ids of entries that are not its own are passed over. */
  update(projectId: number, name: string, changes: ProtectedBranchChanges): Promise<ProtectedBranch | null>;
  remove(projectId: number, name: string): Promise<boolean>;
  /**
   * The rule for a default branch that has come for the first time, and the note that it was made: a second call does
   * nothing, even if the rule is gone. `rule` null: only the note. Answers whether a rule was made.
   */
  protectDefault(projectId: number, rule: NewProtectedBranch | null): Promise<boolean>;
  /** Whether this deploy key opens the project. */
  isDeployKeyOf(projectId: number, keyId: number): Promise<boolean>;
}

export interface ProtectedTag {
  readonly id: number;
  readonly projectId: number;
  /** An exact name, or with `*` for any run of characters. */
  readonly name: string;
  /** Who may create such a tag. */
  readonly create: readonly AccessEntry[];
}

export interface ProtectedTagStore {
  list(projectId: number): Promise<readonly ProtectedTag[]>;
  /** `conflict` when the name is protected already. */
  create(projectId: number, name: string, create: readonly Grantee[]): Promise<ProtectedTag>;
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
  /** Of all projects whose code the viewer may see: of one author, or (null) of those that the viewer is a member of. */
  listAcross(
    viewer: Viewer,
    authorId: number | null,
    filter: EventFilter,
    page: Page,
  ): Promise<Paged<AuthoredEvent>>;
}
