import type { FsckSeverity } from "@heliostat/contract";
import { HeliostatError } from "./errors.ts";
import { formatBytes } from "./format-bytes.ts";

/** What a project has of its own; null: as the instance says. */
export interface ProjectLimits {
  /** Bytes; 0: no limit. */
  readonly repositorySizeLimit: number | null;
  readonly maxRefs: number | null;
  readonly fsckSeverity: FsckSeverity | null;
  /** Bytes, of what clients push; 0: no limit. */
  readonly maxFileSize: number | null;
  readonly maxPushSize: number | null;
}

/** What holds for one project, by mirror and by push. */
export interface IncomingLimits {
  /** How many bytes the repository may take on disk; null: any number. */
  readonly repositoryBytes: number | null;
  readonly refs: number;
  readonly fsck: FsckSeverity;
  /** Bytes of one file, and of one push, of a client; null: any number. */
  readonly fileBytes: number | null;
  readonly pushBytes: number | null;
}

/** As many as the longest list of refs that is read from a remote can hold. */
export const MOST_REFS = 4_000_000;

/** For what belongs to no project. */
export const NO_LIMITS: IncomingLimits = {
  repositoryBytes: null,
  refs: MOST_REFS,
  fsck: "off",
  fileBytes: null,
  pushBytes: null,
};

interface InstanceLimits {
  readonly repositorySizeLimit: number;
  readonly maxRefs: number;
  readonly fsckSeverity: FsckSeverity;
  readonly maxFileSize: number;
  readonly maxPushSize: number;
}

/** The limits of a project: its own, and where it has none those of the instance. */
export function incomingLimits(project: ProjectLimits, instance: InstanceLimits): IncomingLimits {
  const orAny = (bytes: number): number | null => (bytes === 0 ? null : bytes);
  return {
    repositoryBytes: orAny(project.repositorySizeLimit ?? instance.repositorySizeLimit),
    refs: project.maxRefs ?? instance.maxRefs,
    fsck: project.fsckSeverity ?? instance.fsckSeverity,
    fileBytes: orAny(project.maxFileSize ?? instance.maxFileSize),
    pushBytes: orAny(project.maxPushSize ?? instance.maxPushSize),
  };
}

/** Null: there is no limit. `size`: what the repository takes now. */
export function roomFor({ repositoryBytes }: IncomingLimits, size: number): number | null {
  return repositoryBytes === null ? null : Math.max(0, repositoryBytes - size);
}

/** `repository-too-large`, with the limit and what to do. */
export function repositoryTooLarge(limitBytes: number): HeliostatError {
  return new HeliostatError(
    "repository-too-large",
    `With what comes, the repository would be larger than it may be: its limit is ${formatBytes(limitBytes)}. Nothing of it was kept. An admin can raise \`repository_size_limit\`, of the project or of the instance.`,
  );
}

/** Throws `too-many-refs` when refs are to be created and there would be more than may be. */
export function refuseTooManyRefs(
  { refs: limit }: Pick<IncomingLimits, "refs">,
  counts: { readonly here: number; readonly created: number; readonly deleted: number },
): void {
  const after = counts.here + counts.created - counts.deleted;
  if (counts.created === 0 || after <= limit) return;
  throw new HeliostatError(
    "too-many-refs",
    `The project would have ${after} branches and tags, and may have ${limit}. Nothing was changed. Let the mirror carry fewer of them, or have an admin raise \`max_refs\`, of the project or of the instance.`,
  );
}

/** `too-many-refs` for a remote whose list was read no further than to the limit. */
export function moreRefsThan({ refs }: Pick<IncomingLimits, "refs">): HeliostatError {
  return new HeliostatError(
    "too-many-refs",
    `The remote lists more than ${refs} branches and tags, and the project may have ${refs}. Nothing was changed. Let the mirror carry fewer of them, or have an admin raise \`max_refs\`, of the project or of the instance.`,
  );
}

/** `model-invalid` for numbers that are no limits. */
export function refuseBadLimits(limits: Partial<ProjectLimits>): void {
  const { repositorySizeLimit, maxFileSize, maxPushSize, maxRefs } = limits;
  const fields: Record<string, readonly string[]> = {};
  const bytes = {
    repository_size_limit: repositorySizeLimit,
    max_file_size: maxFileSize,
    max_push_size: maxPushSize,
  };
  for (const [name, value] of Object.entries(bytes)) {
    if ((value ?? 0) < 0) fields[name] = ["must be greater than or equal to 0"];
  }
  if ((maxRefs ?? 1) < 1) fields["max_refs"] = ["must be greater than 0"];
  else if ((maxRefs ?? 1) > MOST_REFS) fields["max_refs"] = [`must be less than or equal to ${MOST_REFS}`];
  if (Object.keys(fields).length > 0) {
    throw new HeliostatError("model-invalid", "a limit is out of range", { fields });
  }
}
