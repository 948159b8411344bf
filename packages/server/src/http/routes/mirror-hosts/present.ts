import type { FailingHostAnswer } from "@heliostat/contract/api/mirror-hosts.ts";
import type { FailingHost } from "../../../app/ports.ts";
import { presentTime } from "../mirrors/present.ts";

/** A host with its port, as errors name it, and until when it is left alone. */
export function presentHost(host: FailingHost): FailingHostAnswer {
  return {
    host: host.host,
    failures: host.failures,
    last_error: host.lastError,
    failing_since: host.failingSince.toISOString(),
    paused_until: presentTime(host.pausedUntil),
  };
}
