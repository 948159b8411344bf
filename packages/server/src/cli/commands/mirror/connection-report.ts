import type { ConnectionReportAnswer } from "@heliostat/contract/api/connection-tests.ts";
import { plain } from "../../terminal/plain.ts";

/** What a test of a connection found, for people. */
export function describeReport(report: ConnectionReportAnswer): string {
  const yes = (is: boolean | null) => (is === null ? "not tried" : is ? "yes" : "no");
  const listed = report.can_list
    ? `yes (${report.refs_count} refs, default branch ${plain(report.default_branch ?? "-")}, ${report.object_format})`
    : "no";
  return [
    `Reachable: ${yes(report.reachable)}`,
    `Can list: ${listed}`,
    `Can push: ${yes(report.can_push)}`,
    ...report.host_keys.map((key) => `Host key: ${plain(key.algorithm)} ${key.fingerprint_sha256}`),
    ...(report.message === null ? [] : [`Trouble: ${plain(report.message)} (${report.code})`]),
    ...(report.fix === null ? [] : [`What to do: ${plain(report.fix)}`]),
    `Took ${report.duration_ms} ms.`,
  ].join("\n");
}
