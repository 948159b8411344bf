/** What something was, and what it is now. */
export interface ChangedValue {
  readonly from: unknown;
  readonly to: unknown;
}

/**
 * What differs between the two, under the API's form of its name (`branchRegex` is `branch_regex`): of the values of
 * `before`, because what was not there before is nobody's change.
 */
export function changedValues<T extends object>(
  before: T,
  after: T,
  apiNames: Readonly<Record<string, string>> = {},
): Readonly<Record<string, ChangedValue>> {
  const changes: Record<string, ChangedValue> = {};
  for (const name of Object.keys(before) as (keyof T & string)[]) {
    const [from, to] = [before[name], after[name]];
    if (JSON.stringify(from) === JSON.stringify(to)) continue;
    changes[apiNames[name] ?? inSnakeCase(name)] = { from, to };
  }
  return changes;
}

function inSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
