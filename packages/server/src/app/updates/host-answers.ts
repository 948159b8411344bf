import type { HeliostatError } from "../../domain/errors.ts";
import { hostSignOf } from "../../domain/host-breaker.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Ports, TransferOptions } from "../ports.ts";
import { noteAnswers } from "./host-signs.ts";

/** What one run's host answers. */
export interface HostAnswers {
  readonly remotes: Ports["remotes"];
  readonly transfer: TransferOptions;
  /** To be called at the end of the run, with what ended it early. */
  end(error: HeliostatError | null): Promise<void>;
}

/**
 * Watches whether the host of a run is there. One that lists its refs may still refuse the transfer as too busy, and
 * its answer must not make that failure forgotten: it counts once data flows, or the run ends without such an error.
 */
export function watchAnswers(
  ports: Pick<Ports, "clock" | "hosts" | "log" | "queue" | "remotes">,
  mirror: Mirror,
  transfer: TransferOptions,
): HostAnswers {
  let hasListed = false;
  let noted: Promise<void> | null = null;
  const note = (): Promise<void> => {
    noted ??= noteAnswers(ports, [mirror]);
    return noted;
  };
  return {
    remotes: {
      ...ports.remotes,
      async listRefs(remote, options) {
        const listed = await ports.remotes.listRefs(remote, options);
        hasListed = true;
        return listed;
      },
    },
    transfer: {
      ...transfer,
      onProgress(progress) {
        transfer.onProgress?.(progress);
        // What we send says nothing of who takes it.
        if (noted !== null || mirror.direction === "push" || !progress.bytes) return;
        note().catch((error: unknown) =>
          ports.log.warn({ mirrorId: mirror.id, err: error }, "answer not noted"),
        );
      },
    },
    async end(error) {
      const sign = error === null ? null : hostSignOf(error.code);
      if (hasListed && (sign === null || sign === "answer")) await note();
    },
  };
}
