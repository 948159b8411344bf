import { createHash } from "node:crypto";
import type { Asker, TakePlace } from "../../app/ports.ts";
import { asHeliostatError, HeliostatError } from "../../domain/errors.ts";
import { createJointWork } from "./joint-work.ts";
import { createLru } from "./lru.ts";

/** What bounds one git: it ends when nobody waits for it any more, or after so long. */
export interface QuickLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** The way to the short-lived gits that readers start: more of them at a time than there are cores help nobody. */
export interface Quick {
  /**
   * Waits for the asker's turn, then works within the limits. `cancelled` when the asker leaves. `what` names work whose
   * outcome never changes: it is done once for all who ask at the same time, and where it took too long or gave too much,
   * it is not tried again for a while. Null: it may come out otherwise the next time.
   */
  within<T>(
    asker: Asker,
    what: readonly (string | null)[] | null,
    work: (limits: QuickLimits) => Promise<T>,
  ): Promise<T>;
}

/** Paths are names of files, whatever characters are in them. */
export const LITERAL_PATHS: Readonly<Record<string, string>> = { GIT_LITERAL_PATHSPECS: "1" };

const TIMEOUT_MS = 10_000;
/** A failure may also be due to a busy server. */
const REMEMBER_FAILURE_MS = 10 * 60_000;
const FAILURES_BYTES = 2 * 1024 * 1024;

/**
 * `takePlace` gives the turns. Work is stopped after `timeoutMs`; what failed so is not tried again for ten minutes.
 */
export function createQuick(takePlace: TakePlace, timeoutMs = TIMEOUT_MS): Quick {
  const join = createJointWork();
  const failures = createLru<{ readonly error: HeliostatError; readonly until: number }>(FAILURES_BYTES);

  async function inTurn<T>({ client, signal }: Asker, work: (limits: QuickLimits) => Promise<T>): Promise<T> {
    const giveBack = await takePlace(client, signal);
    try {
      return await work({ signal, timeoutMs });
    } finally {
      giveBack();
    }
  }

  return {
    async within<T>(
      asker: Asker,
      what: readonly (string | null)[] | null,
      work: (limits: QuickLimits) => Promise<T>,
    ) {
      try {
        if (what === null) return await inTurn(asker, work);
        const key = createHash("sha1").update(JSON.stringify(what)).digest("hex");
        const failure = failures.get(key);
        if (failure !== undefined && failure.until > performance.now()) throw failure.error;
        return await join(key, asker.signal, (signal) =>
          inTurn({ client: asker.client, signal }, work).catch((error: unknown) => {
            const told = asTold(asHeliostatError(error));
            if (told.code === "repository-too-large") {
              failures.set(key, { error: told, until: performance.now() + REMEMBER_FAILURE_MS }, 500);
            }
            throw told;
          }),
        );
      } catch (error) {
        if (asker.signal.aborted) {
          throw new HeliostatError("cancelled", "Whoever asked is no longer there.", { cause: error });
        }
        throw asTold(asHeliostatError(error));
      }
    },
  };
}

/** What the limits stopped is nothing that a client should try again, and no fault of ours. */
function asTold(error: HeliostatError): HeliostatError {
  if (error.code !== "timed-out" && error.code !== "output-too-large") return error;
  return new HeliostatError(
    "repository-too-large",
    "This takes more than the server gives to one answer. Clone the repository to see it.",
    { cause: error },
  );
}
