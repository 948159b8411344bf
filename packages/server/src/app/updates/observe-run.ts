import { asHeliostatError } from "../../domain/errors.ts";
import type { UpdateProgress } from "../../domain/mirror.ts";
import type { RefChange } from "../../domain/refs.ts";
import type { Clock, Ports, TransferOptions } from "../ports.ts";
import type { UpdateLog } from "./update-log.ts";

type RunPorts = Pick<Ports, "repositories" | "remotes">;

/** A run's ports that tell what is done with them, and how many bytes went over the line. */
export interface ObservedRun {
  readonly ports: RunPorts;
  /** As far as git and the transfers tell. */
  bytes(): { readonly bytesReceived: number; readonly bytesSent: number };
}

/**
 * The same ports, and every step that a person waits for is in the log with its time and in the progress. The steps
 * themselves know nothing of it: whoever writes one gets its line.
 */
export function observeRun(
  ports: RunPorts,
  {
    log,
    clock,
    report,
  }: {
    readonly log: UpdateLog;
    readonly clock: Pick<Clock, "now">;
    readonly report: (progress: UpdateProgress) => void;
  },
): ObservedRun {
  const bytes = { received: 0, sent: 0 };

  /** Runs a step and logs what came of it, with the time that it took. */
  async function step<T>(what: string, work: () => Promise<T>, outcome: (answer: T) => string): Promise<T> {
    const started = clock.now().getTime();
    try {
      const answer = await work();
      log.add(`${outcome(answer)} in ${clock.now().getTime() - started} ms`);
      return answer;
    } catch (error) {
      log.add(`${what} failed: ${asHeliostatError(error).message}`);
      throw error;
    }
  }

  /** Options of one transfer, whose bytes are added up. It tells how many it were so far, perhaps more than once. */
  function counting<T extends TransferOptions>(direction: keyof typeof bytes, options: T): T {
    let seen = 0;
    return {
      ...options,
      onProgress: (progress) => {
        const more = Math.max(0, (progress.bytes ?? 0) - seen);
        seen += more;
        bytes[direction] += more;
        options.onProgress?.(progress);
      },
    };
  }

  function enter(phase: string, total: number | null = null): void {
    report({ phase, done: 0, total, bytes: null, bytesPerSecond: null });
  }

  let pushes = 0;
  function pushStep<T extends readonly { readonly result: { readonly outcome: string } }[]>(
    changes: readonly RefChange[],
    work: () => Promise<T>,
  ): Promise<T> {
    pushes += 1;
    const what = `Push ${pushes}`;
    return step(what, work, (verdicts) => {
      const refused = verdicts.filter(({ result }) => result.outcome === "rejected").length;
      return `${what}: ${describeChanges(changes)}${refused > 0 ? `, ${refused} refused` : ""}`;
    });
  }

  const { repositories, remotes } = ports;
  return {
    ports: {
      repositories: {
        ...repositories,
        fetchAll: (path, remote, options) =>
          step(
            "The clone",
            () => repositories.fetchAll(path, remote, counting("received", options)),
            ({ refs }) => `Received everything that ${count(refs.size, "ref")} lead to`,
          ),
        async fetchObjects(path, remote, oids, options) {
          const fetchAndCount = () =>
            repositories.fetchObjects(path, remote, oids, counting("received", options));
          if (oids.length === 0) return await fetchAndCount();
          return await step(
            "The fetch",
            fetchAndCount,
            () => `Fetched what ${count(oids.length, "new value")} of refs lead to`,
          );
        },
        applyChanges(path, changes, options) {
          log.add(`Planned ${describeChanges(changes)}`);
          enter("Updating refs", changes.length);
          return step(
            "Writing refs",
            () => repositories.applyChanges(path, changes, options),
            (results) => {
              const refused = results.filter(({ outcome }) => outcome === "rejected").length;
              return `Wrote ${count(results.length - refused, "ref")}${refused > 0 ? `, ${refused} refused` : ""}`;
            },
          );
        },
        push: (path, remote, changes, options) =>
          pushStep(changes, () => repositories.push(path, remote, changes, counting("sent", options))),
      },
      remotes: {
        ...remotes,
        listRefs(remote, options) {
          enter("Listing refs");
          return step(
            "Listing the remote's refs",
            () => remotes.listRefs(remote, options),
            ({ refs }) => `Listed ${count(refs.size, "ref")} of the remote`,
          );
        },
        openPush(remote, openPack, options) {
          const push = remotes.openPush(remote, openPack, counting("sent", options));
          return (changes) => pushStep(changes, () => push(changes));
        },
      },
    },
    bytes: () => ({ bytesReceived: bytes.received, bytesSent: bytes.sent }),
  };
}

/** As `12 changes: 3 create, 9 fast-forward`. */
function describeChanges(changes: readonly RefChange[]): string {
  const actions = new Map<string, number>();
  for (const { action } of changes) actions.set(action, (actions.get(action) ?? 0) + 1);
  return `${count(changes.length, "change")}: ${[...actions].map(([action, n]) => `${n} ${action}`).join(", ")}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
