import type { MirrorDirection } from "@heliostat/contract";
import { validateBranchRegex } from "../../domain/branch-filter.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type MirrorOptions } from "../../domain/mirror.ts";
import { validateTagFilter } from "../../domain/tag-filter.ts";

/** Options that one direction only has, by the names that the API gives them. */
const OWN_OPTIONS: Readonly<Record<MirrorDirection, Partial<Record<keyof MirrorOptions, string>>>> = {
  pull: {
    overwritesDivergedBranches: "overwrites_diverged_branches",
    triggerBuilds: "trigger_builds",
    followDefaultBranch: "follow_default_branch",
    intervalSeconds: "interval_seconds",
    adaptiveInterval: "adaptive_interval",
  },
  push: { keepDivergentRefs: "keep_divergent_refs" },
};

/** A month: longer intervals are a typing error more often than a wish. */
const LONGEST_INTERVAL_SECONDS = 30 * 24 * 3600;

/**
 * Refuses, as `model-invalid` with all complaints at once: both branch filters together, a regex that RE2 does not
 * take (GitLab's words), an interval that the instance does not allow, and options of the other direction. Those may
 * be given with their default value, so that the answer for a mirror can be sent back as it is.
 */
export function refuseBadOptions(
  direction: MirrorDirection,
  given: Partial<MirrorOptions>,
  stored: MirrorOptions,
  instance: { readonly pullMirrorMinIntervalSeconds: number },
): void {
  const fields: Record<string, readonly string[]> = {};
  const complain = (field: string, messages: readonly string[]): void => {
    if (messages.length > 0) fields[field] = messages;
  };
  const wanted = { ...stored, ...given };
  if (wanted.branchRegex !== null) {
    complain(
      "mirror_branch_regex",
      wanted.onlyProtectedBranches ? ["must be blank"] : validateBranchRegex(wanted.branchRegex),
    );
  }
  if (given.tags !== undefined) complain("mirror_tags", validateTagFilter(given.tags));
  if (given.intervalSeconds !== undefined && given.intervalSeconds !== null) {
    const least = Math.max(instance.pullMirrorMinIntervalSeconds, 1);
    if (given.intervalSeconds < least) {
      complain("interval_seconds", [`must be greater than or equal to ${least}`]);
    } else if (given.intervalSeconds > LONGEST_INTERVAL_SECONDS) {
      complain("interval_seconds", [`must be less than or equal to ${LONGEST_INTERVAL_SECONDS}`]);
    }
  }
  const other = direction === "pull" ? "push" : "pull";
  for (const [option, name] of Object.entries(OWN_OPTIONS[other]) as [keyof MirrorOptions, string][]) {
    if (given[option] !== undefined && given[option] !== DEFAULT_MIRROR_OPTIONS[option]) {
      complain(name, [`is an option of ${other} mirrors`]);
    }
  }
  const complaints = Object.entries(fields);
  if (complaints.length === 0) return;
  const sentence = complaints.map(([field, messages]) => `${field} ${messages.join(", ")}`).join("; ");
  throw new HeliostatError("model-invalid", sentence, { fields });
}
