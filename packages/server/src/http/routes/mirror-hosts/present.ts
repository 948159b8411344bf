import type { FailingHostAnswer } from "@heliostat/contract/api/mirror-hosts.ts";
import type { FailingHost } from "../../../app/ports.ts";
import { presentTime } from "../mirrors/present.ts";

export function presentHost(host: FailingHost): FailingHostAnswer {
  return {
    host: host.host,
    failures: host.failures,
    last_error: host.lastError,
    failing_since: host.failingSince.toISOString(),
    paused_until: presentTime(host.pausedUntil),
  };
}
