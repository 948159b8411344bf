import type { ConnectionReportAnswer } from "@heliostat/contract/api/connection-tests.ts";
import type { ConnectionReport } from "../../../app/mirrors/connection-test-use-cases.ts";

/** What the test found; what was not looked at is null. The trouble has words that are safe to show. */
export function presentConnectionReport(report: ConnectionReport): ConnectionReportAnswer {
  return {
    reachable: report.isReachable,
    can_list: report.canList,
    refs_count: report.refsCount,
    default_branch: report.defaultBranch,
    object_format: report.objectFormat,
    can_push: report.canPush,
    code: report.trouble?.code ?? null,
    message: report.trouble?.message ?? null,
    fix: report.trouble?.fix ?? null,
    duration_ms: report.durationMs,
    host_keys: report.hostKeys.map(({ algorithm, fingerprint }) => ({
      algorithm,
      fingerprint_sha256: fingerprint,
    })),
  };
}
