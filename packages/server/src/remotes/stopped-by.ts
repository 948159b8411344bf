import { HeliostatError } from "../domain/errors.ts";

/** The reason of a signal whose reasons are errors of ours; of others, that we were stopped. */
export function stoppedBy({ reason }: AbortSignal): HeliostatError {
  return reason instanceof HeliostatError
    ? reason
    : new HeliostatError("cancelled", "Stopped while speaking to the remote.", { cause: reason });
}
