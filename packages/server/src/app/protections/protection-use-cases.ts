import type { Grantee } from "../../domain/protections.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { BranchAction, EntryChanges, ProtectedBranch, ProtectedTag } from "../ports.ts";

/** What is left out is as GitLab has it: maintainers push and merge, nobody in particular unprotects. */
export interface ProtectedBranchDraft extends Readonly<Partial<Record<BranchAction, readonly Grantee[]>>> {
  readonly name: string;
  readonly allowForcePush?: boolean;
}

/** One wish about the entries of a rule: a new one, another grantee for one that is there, or its end. */
export interface ProtectedBranchWish extends Readonly<Partial<Record<BranchAction, EntryChanges>>> {
  readonly allowForcePush?: boolean;
}

/** Protected branches and tags. `protection-invalid` for grantees who have no access to the project. */
export interface ProtectionUseCases {
  listProtectedBranches(principal: Principal, project: PathOrId): Promise<readonly ProtectedBranch[]>;
  /** By the name as it was given, wildcards included. */
  findProtectedBranch(principal: Principal, project: PathOrId, name: string): Promise<ProtectedBranch>;
  /** `conflict` when this name is protected already. */
  createProtectedBranch(
    principal: Principal,
    project: PathOrId,
    draft: ProtectedBranchDraft,
  ): Promise<ProtectedBranch>;
  /** `forbidden` where the rule names who may, and the principal is not among them; so for the next one. */
  updateProtectedBranch(
    principal: Principal,
    project: PathOrId,
    name: string,
    wish: ProtectedBranchWish,
  ): Promise<ProtectedBranch>;
  removeProtectedBranch(principal: Principal, project: PathOrId, name: string): Promise<void>;

  listProtectedTags(principal: Principal, project: PathOrId): Promise<readonly ProtectedTag[]>;
  /** By the name as it was given, wildcards included. */
  findProtectedTag(principal: Principal, project: PathOrId, name: string): Promise<ProtectedTag>;
  /** Maintainers may create such tags, unless told otherwise; `conflict` when this name is protected already. */
  createProtectedTag(
    principal: Principal,
    project: PathOrId,
    name: string,
    create?: readonly Grantee[],
  ): Promise<ProtectedTag>;
  removeProtectedTag(principal: Principal, project: PathOrId, name: string): Promise<void>;
}
