import type { HeliostatError } from "../../domain/errors.ts";
import type { IncomingLimits } from "../../domain/incoming-limits.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import type { Actor } from "../../domain/protections.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { RefResult } from "../../domain/refs.ts";
import type {
  Ports,
  ProjectStore,
  ProtectedBranchStore,
  ProtectedTagStore,
  RemoteAccess,
  TransferOptions,
} from "../ports.ts";
import type { WantedRefs } from "./wanted-refs.ts";

/** What a run goes by in its project. */
export type RunProject = Pick<Project, "id" | "refsGeneration" | "defaultBranchWasProtected">;

export interface RunPorts extends Pick<Ports, "repositories" | "remotes"> {
  readonly projects: Pick<ProjectStore, "beginRefsWrite" | "endRefsWrite"> & {
    find(id: number): Promise<RunProject | null>;
  };
  readonly protectedBranches: Pick<ProtectedBranchStore, "list">;
  readonly protectedTags: Pick<ProtectedTagStore, "list">;
}

/** What one run of a mirror works with; `pull-update` and `push-update` take it. */
export interface UpdateRun {
  readonly ports: RunPorts;
  readonly mirror: Pick<Mirror, "direction" | "options">;
  readonly project: RunProject;
  readonly remote: RemoteAccess;
  /** Of a pull: in whose name it writes here. */
  readonly actor: Actor;
  readonly wanted: WantedRefs;
  readonly transfer: TransferOptions;
  /** What the project may become by it. */
  readonly limits: IncomingLimits;
  /** Rejects (`cancelled`) when this run is no longer the mirror's: to be asked before anything is changed. */
  readonly requireLease: () => Promise<void>;
}

/** What a run found and did. */
export interface RunOutcome {
  /** One for every ref that changed, or was to be changed and was not. */
  readonly results: readonly RefResult[];
  /** Sentences for the person who reads the update. */
  readonly notes: readonly string[];
  /** Refs that were equal on both sides, and that the filter left out. */
  readonly upToDate: readonly RefName[];
  readonly skipped: readonly RefName[];
  /** Why the run counts as failed although it came to its end; null: it did not fail. */
  readonly failure: string | null;
  /** Digest of the remote's wanted refs as this run leaves them. */
  readonly digest: string;
  /** The state of our refs that this run saw or made; null when somebody else wrote meanwhile. */
  readonly generation: number | null;
  /** What ended the run before its end, be it our own wish (`cancelled`): what was done before counts. */
  readonly brokenOffBy?: HeliostatError | null;
  /** Whether refs of the project itself changed: its push mirrors must hear of it. */
  readonly changedProject: boolean;
}
