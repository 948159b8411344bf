import type { z } from "zod";
import { HeliostatError } from "../domain/errors.ts";
import type { RawParameters } from "./request-parameters.ts";

/** Rules over several parameters. A parameter counts as given when it is there, whatever its value. */
export interface ParameterRules {
  readonly mutuallyExclusive?: readonly string[];
  readonly atLeastOneOf?: readonly string[];
  /** Parameters of ours that are as good as one of those, which GitLab's sentence does not name. */
  readonly orOneOf?: readonly string[];
}

/** The parameters as the schema gives them; `parameter-invalid` with GitLab's sentences, all of them at once. */
export function checkParameters<S extends z.ZodType>(
  schema: S,
  given: RawParameters,
  rules: ParameterRules = {},
): z.output<S> {
  const { mutuallyExclusive = [], atLeastOneOf = [], orOneOf = [] } = rules;
  const complaints: string[] = [];
  const result = schema.safeParse(given);
  if (!result.success) complaints.push(...result.error.issues.map((issue) => describeIssue(issue, given)));
  const both = mutuallyExclusive.filter((name) => name in given);
  if (both.length > 1) complaints.push(`${both.join(", ")} are mutually exclusive`);
  if (atLeastOneOf.length > 0 && ![...atLeastOneOf, ...orOneOf].some((name) => name in given)) {
    complaints.push(`${atLeastOneOf.join(", ")} are missing, at least one parameter must be provided`);
  }
  if (result.success && complaints.length === 0) return result.data;
  throw new HeliostatError("parameter-invalid", [...new Set(complaints)].join(", "));
}

function describeIssue(issue: z.core.$ZodIssue, given: RawParameters): string {
  const name = String(issue.path[0] ?? "request");
  if (!(name in given)) return `${name} is missing`;
  // The contract's own complaints are GitLab's words already.
  if (issue.message.startsWith("is ") || issue.message.startsWith("has ")) return `${name} ${issue.message}`;
  return issue.code === "invalid_value" ? `${name} does not have a valid value` : `${name} is invalid`;
}
