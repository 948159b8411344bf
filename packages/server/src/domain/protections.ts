import { compileNamePattern } from "./name-pattern.ts";
import { ACCESS_LEVELS } from "./policy.ts";
import { type RefName, shortName } from "./ref-name.ts";

/** Whom an entry of a rule lets in: everybody of a role and above, or one user, group or deploy key. */
export type Grantee =
  /** GitLab's number: 0 no one, 30, 40, or 60 for admins of the instance. */
  | { readonly kind: "role"; readonly level: number }
  | { readonly kind: "user"; readonly id: number }
  | { readonly kind: "group"; readonly id: number }
  | { readonly kind: "deploy-key"; readonly id: number };

/** The roles that an entry may name, beside those of `ACCESS_LEVELS`. */
export const INSTANCE_ADMINS = 60;

interface Entry {
  readonly grantee: Grantee;
}

/** Who may push to branches of this name: exact, or with `*` for any run of characters. */
export interface BranchProtection {
  readonly name: string;
  readonly allowForcePush: boolean;
  readonly push: readonly Entry[];
}

/** Who may create tags of this name. */
export interface TagProtection {
  readonly name: string;
  readonly create: readonly Entry[];
}

/** Who writes, as far as the rules ask. */
export interface Actor {
  /** What they are to the project, by GitLab's number; 0 for a deploy key. */
  readonly level: number;
  readonly isAdmin: boolean;
  readonly userId: number | null;
  /** The groups that they are a member of themselves; what is inherited does not count, as in GitLab. */
  readonly groupIds: readonly number[];
  readonly deployKeyId: number | null;
}

/** Whether one of the entries names this actor. No role stands for a deploy key, and level 0 for nobody. */
export function isGranted(entries: readonly Entry[], actor: Actor): boolean {
  return entries.some(({ grantee }) => {
    switch (grantee.kind) {
      case "role":
        if (grantee.level === ACCESS_LEVELS.none) return false;
        return grantee.level === INSTANCE_ADMINS ? actor.isAdmin : actor.level >= grantee.level;
      case "user":
        return grantee.id === actor.userId;
      case "group":
        return actor.groupIds.includes(grantee.id);
      case "deploy-key":
        return grantee.id === actor.deployKeyId;
      default:
        return grantee satisfies never;
    }
  });
}

/** What the rules say of one branch for one actor. */
export interface BranchAccess {
  readonly isProtected: boolean;
  readonly mayPush: boolean;
  readonly mayForce: boolean;
}

const FREE: BranchAccess = { isProtected: false, mayPush: true, mayForce: true };

/**
 * The rules for branches as a question. A branch that no rule names is free; of several rules, the most generous one
 * counts, as in GitLab, for pushing and for forcing each.
 */
export function compileBranchProtection(
  rules: readonly BranchProtection[],
  actor: Actor,
): (branch: RefName) => BranchAccess {
  const compiled = rules.map(({ name, allowForcePush, push }) => ({
    matches: compileNamePattern(name),
    allowForcePush,
    mayPush: isGranted(push, actor),
  }));
  return (branch) => {
    const name = shortName(branch);
    const matching = compiled.filter(({ matches }) => matches(name));
    if (matching.length === 0) return FREE;
    const mayPush = matching.some((rule) => rule.mayPush);
    return {
      isProtected: true,
      mayPush,
      mayForce: mayPush && matching.some((rule) => rule.allowForcePush),
    };
  };
}

/** What the rules say of one tag for one actor. */
export interface TagAccess {
  readonly isProtected: boolean;
  readonly mayCreate: boolean;
}

/** The same for tags. */
export function compileTagProtection(
  rules: readonly TagProtection[],
  actor: Actor,
): (tag: RefName) => TagAccess {
  const compiled = rules.map(({ name, create }) => ({
    matches: compileNamePattern(name),
    mayCreate: isGranted(create, actor),
  }));
  return (tag) => {
    const name = shortName(tag);
    const matching = compiled.filter(({ matches }) => matches(name));
    return {
      isProtected: matching.length > 0,
      mayCreate: matching.length === 0 || matching.some((rule) => rule.mayCreate),
    };
  };
}

/**
 * What GitLab's setting `default_branch_protection` makes of a new default branch; null: nothing. 0 none, 1 developers
 * push, 2 and 4 maintainers push, 3 as 2 with developers who merge.
 */
export function defaultBranchRule(
  protection: number,
): { readonly push: readonly Grantee[]; readonly merge: readonly Grantee[] } | null {
  const role = (level: number): readonly Grantee[] => [{ kind: "role", level }];
  switch (protection) {
    case 0:
      return null;
    case 1:
      return { push: role(ACCESS_LEVELS.developer), merge: role(ACCESS_LEVELS.developer) };
    case 3:
      return { push: role(ACCESS_LEVELS.maintainer), merge: role(ACCESS_LEVELS.developer) };
    default:
      return { push: role(ACCESS_LEVELS.maintainer), merge: role(ACCESS_LEVELS.maintainer) };
  }
}

/** Whether that setting keeps developers from making the first push too; with 4 they may make that one. */
export function protectsEmptyProject(protection: number): boolean {
  return protection === 2 || protection === 3;
}
