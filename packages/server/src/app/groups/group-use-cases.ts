import type { Visibility } from "@heliostat/contract";
import type { Namespace } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { NamespaceFilter, Part, Window } from "../ports.ts";

/** Groups, which may stand in groups. What may be seen is listed for everybody, signed in or not. */
export interface GroupUseCases {
  listGroups(principal: Principal, filter: GroupFilter, window: Window): Promise<Part<Namespace>>;
  findGroup(principal: Principal, group: PathOrId): Promise<Namespace>;
  /** Whoever makes it is its owner. Anybody may at the top, but for bots. */
  createGroup(principal: Principal, group: GroupDraft): Promise<Namespace>;
  /** With another path all clone URLs below are others; those before answer no more. */
  updateGroup(principal: Principal, group: PathOrId, changes: GroupChanges): Promise<Namespace>;
  /** `conflict` while there is a project or a group in it: what is removed here cannot be had back. */
  removeGroup(principal: Principal, group: PathOrId): Promise<void>;
}

export interface GroupFilter extends Pick<NamespaceFilter, "search" | "leastLevel" | "visibility" | "order"> {
  readonly isAtTop?: boolean;
  /** Right in this group; `atAnyDepth`: and in those below it. */
  readonly within?: PathOrId;
  readonly atAnyDepth?: boolean;
}

export interface GroupDraft {
  readonly name: string;
  readonly path: string;
  readonly parentId: number | null;
  /** Private, unless told. */
  readonly visibility?: Visibility;
  readonly description?: string | null;
}

export interface GroupChanges {
  readonly name?: string;
  readonly path?: string;
  readonly visibility?: Visibility;
  readonly description?: string | null;
}
