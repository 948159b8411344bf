import { HeliostatError } from "../../domain/errors.ts";
import type { Oid } from "../../domain/oid.ts";
import { rejectedResult } from "../../domain/ref-result.ts";
import type { RefChange, RefResult } from "../../domain/refs.ts";

/**
 * How many fetches that fail a remote is good for: enough to find three bad refs wherever they stand, and more with
 * each fetch by which something came. A remote all of which is damaged is soon left alone.
 */
const FAILURES = 40;
const FAILURES_FOR_SUCCESS = 4;
/** In any case no more than this: each transfers something. */
const FETCHES = 300;

/** What did not come: the error, and whether it is about this object for certain. */
export interface Lack {
  readonly error: HeliostatError;
  readonly isCertain: boolean;
}

export type Lacks = ReadonlyMap<Oid, Lack>;

interface Group {
  readonly oids: readonly Oid[];
  /** Why this group, or a larger one whose other part has come, did not come; null: it was not tried. */
  readonly failure: HeliostatError | null;
}

/**
 * Fetches these oids, all at once if possible. Git brings nothing when the remote has damaged objects below one of
 * them: then those that git names are left out, and without a name the culprits are looked for in halves. So one bad
 * ref among 1,000 costs some twenty fetches, and the other 999 come. Answers what did not come; throws what is the
 * fault of no object: the network, a credential, the disk.
 *
 * `fetch` is told what has come so far: no ref leads to it yet. `failure`: how fetching all of them has failed before.
 */
export async function fetchWhatComes(
  oids: readonly Oid[],
  fetch: (oids: readonly Oid[], come: readonly Oid[]) => Promise<void>,
  failure: HeliostatError | null = null,
): Promise<Lacks> {
  const lacks = new Map<Oid, Lack>();
  const come: Oid[] = [];
  let queue: Group[] = [{ oids, failure }];
  let failuresLeft = FAILURES;
  let fetches = 0;

  /** Null: they came. */
  async function attempt(group: readonly Oid[]): Promise<HeliostatError | null> {
    fetches += 1;
    try {
      await fetch(group, come);
      come.push(...group);
      failuresLeft += FAILURES_FOR_SUCCESS;
      return null;
    } catch (error) {
      if (!isOfObjects(error)) throw error;
      failuresLeft -= 1;
      return error;
    }
  }

  /** What is left to find out about a group that did not come. */
  async function narrow(group: readonly Oid[], error: HeliostatError): Promise<Group[]> {
    const named = group.filter((oid) => error.message.includes(oid));
    const isLast = group.length === 1;
    if (isLast || named.length > 0) {
      for (const oid of isLast ? group : named) lacks.set(oid, { error, isCertain: true });
      return [{ oids: group.filter((oid) => !lacks.has(oid)), failure: null }];
    }
    const half = Math.ceil(group.length / 2);
    const [first, second] = [group.slice(0, half), group.slice(half)];
    const firstError = await attempt(first);
    if (firstError !== null)
      return [
        { oids: first, failure: firstError },
        { oids: second, failure: null },
      ];
    // The first half is clear, so it is the second: it need not be tried, unless it is one object alone.
    return [{ oids: second, failure: second.length === 1 ? null : error }];
  }

  // The largest groups first, so that much has come when the search must end.
  for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
    if (group.oids.length === 0) continue;
    if (failuresLeft <= 0 || fetches >= FETCHES) {
      queue = [group, ...queue];
      break;
    }
    const error = group.failure ?? (await attempt(group.oids));
    if (error !== null) queue.push(...(await narrow(group.oids, error)));
    queue.sort((a, b) => b.oids.length - a.oids.length);
  }
  const last = [...lacks.values()].at(-1)?.error ?? queue.find((group) => group.failure)?.failure ?? failure;
  for (const group of queue) {
    const error = group.failure ?? last ?? new HeliostatError("bug", "a search ended without a failure");
    for (const oid of group.oids) lacks.set(oid, { error, isCertain: false });
  }
  return lacks;
}

/** Whether a fetch failed for objects that are missing or broken, here or there. */
export function isOfObjects(error: unknown): error is HeliostatError {
  return (
    error instanceof HeliostatError &&
    (error.code === "repository-corrupt" ||
      error.code === "remote-lacks-object" ||
      error.code === "fsck-refused")
  );
}

/** What becomes of a ref whose objects did not come. */
export function lackingResult(
  change: Pick<RefChange, "ref" | "old" | "new">,
  { error, isCertain }: Lack,
): RefResult {
  const [message, fix] = isCertain
    ? [
        `What this ref leads to at upstream did not come: ${error.message}`,
        error.code === "fsck-refused"
          ? "Mend the object in the upstream's history, or have an admin set `fsck_severity` for this project."
          : "Run `git fsck` on the upstream repository, and push this ref to it again from a copy that is whole.",
      ]
    : [
        `Not fetched, because too many of upstream's refs lead to missing or broken objects to try each: ${error.message}`,
        "Run `git fsck` on the upstream repository, and mend it or mirror from a copy that is whole.",
      ];
  return rejectedResult(change, message, { reason: "corrupt-object", fix });
}
