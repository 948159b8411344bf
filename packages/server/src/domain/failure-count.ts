import { ERROR_CODES, type ErrorCode, type UpdateTrigger } from "@heliostat/contract";
import type { Mirror } from "./mirror.ts";
import { HARD_FAILURE_AFTER } from "./schedule.ts";

/** What starts a push anew: it has all its tries again, as in GitLab. */
const NEW_REASONS: ReadonlySet<UpdateTrigger> = new Set(["push", "pull", "manual", "configured"]);

/** Whether trying again is of no use before somebody does something: a credential or a certificate is refused. */
export function needsPerson(code: ErrorCode): boolean {
  return code === "remote-tls" || ERROR_CODES[code] === "credential";
}

/**
 * Failures in a row of a mirror, with this one. A pull mirror that needs a person pauses at the second time: GitLab
 * does so for certificates, and a refused password mends itself no sooner. A proxy that fails never pauses one: all
 * mirrors fail then, and nobody could resume them all. `code` null: refs were refused.
 */
export function countFailure(
  mirror: Pick<Mirror, "direction" | "retryCount" | "lastErrorCode">,
  failure: { readonly code: ErrorCode | null; readonly trigger: UpdateTrigger },
): number {
  const count = mirror.retryCount + 1;
  if (mirror.direction === "push") return NEW_REASONS.has(failure.trigger) ? 1 : count;
  if (failure.code === "remote-proxy")
    return Math.max(mirror.retryCount, Math.min(count, HARD_FAILURE_AFTER));
  const isStubborn = [mirror.lastErrorCode, failure.code].every((code) => code !== null && needsPerson(code));
  return isStubborn ? Math.max(count, HARD_FAILURE_AFTER + 1) : count;
}
