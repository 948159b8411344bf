import { compileNamePattern } from "../../domain/name-pattern.ts";
import { ACCESS_LEVELS, accessLevel, may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";

/** What may be done with a branch or tag of this name. */
export interface RefAccess {
  readonly isProtected: boolean;
  readonly canPush: boolean;
  readonly developersCanPush: boolean;
}

/** As the rules of a project have it: what is protected is for maintainers. */
export function compileRefAccess(
  rules: readonly { readonly name: string }[],
  principal: Principal,
  project: Project,
): (name: string) => RefAccess {
  const patterns = rules.map(({ name }) => compileNamePattern(name));
  const mayWrite = may(principal, "write-repository", project);
  const isMaintainer = accessLevel(principal, project) >= ACCESS_LEVELS.maintainer;
  return (name) => {
    const isProtected = patterns.some((matches) => matches(name));
    return {
      isProtected,
      canPush: mayWrite && (!isProtected || isMaintainer),
      developersCanPush: !isProtected,
    };
  };
}
