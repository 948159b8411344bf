import { compileNamePattern } from "./name-pattern.ts";
import { ACCESS_LEVELS } from "./policy.ts";
import { type RefName, shortName } from "./ref-name.ts";

/** One rule: who may create tags of this name, by GitLab's number; 0 is no one, whoever they are. */
export interface TagProtection {
  /** An exact name, or with `*` for any run of characters. */
  readonly name: string;
  readonly createAccessLevel: number;
}

/**
 * Which tags somebody of this access level may create or move. A tag that no rule names is free; of several rules,
 * the most generous one counts, as in GitLab.
 */
export function compileTagProtection(
  rules: readonly TagProtection[],
  accessLevel: number,
): (tag: RefName) => boolean {
  const compiled = rules.map(({ name, createAccessLevel }) => ({
    matches: compileNamePattern(name),
    allows: createAccessLevel !== ACCESS_LEVELS.none && accessLevel >= createAccessLevel,
  }));
  return (tag) => {
    const name = shortName(tag);
    const matching = compiled.filter(({ matches }) => matches(name));
    return matching.length === 0 || matching.some(({ allows }) => allows);
  };
}
