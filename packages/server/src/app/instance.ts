import { asHeliostatError, HeliostatError } from "../domain/errors.ts";
import { requireAdmin } from "./access.ts";
import type { InstanceSettings, Ports } from "./ports.ts";
import type { Readiness, UseCases } from "./use-cases.ts";

type InstanceUseCases = Pick<UseCases, "readVersion" | "checkReadiness" | "readSettings" | "writeSettings">;

export function instanceUseCases(ports: Pick<Ports, "instance" | "settings" | "log">): InstanceUseCases {
  return {
    readVersion: () => ({ version: ports.instance.version, revision: ports.instance.revision }),
    async checkReadiness() {
      const probes = Object.entries(ports.instance.readinessProbes);
      const checks = await Promise.all(
        probes.map(async ([name, probe]) => [name, await answerOf(probe)] as const),
      );
      return { ok: checks.every(([, check]) => check.ok), checks: Object.fromEntries(checks) };
    },
    async readSettings(principal) {
      requireAdmin(principal);
      return await ports.settings.read();
    },
    async writeSettings(principal, changes) {
      const admin = requireAdmin(principal);
      refuseBadSettings(changes);
      ports.log.info({ username: admin.username, changes }, "instance settings changed");
      return await ports.settings.write(changes);
    },
  };
}

async function answerOf(probe: () => Promise<void>): Promise<Readiness["checks"][string]> {
  try {
    await probe();
    return { ok: true };
  } catch (error) {
    return { ok: false, message: asHeliostatError(error).message };
  }
}

/** A day: longer intervals are a typing error more often than a wish. */
const LONGEST_INTERVAL_SECONDS = 86_400;

function refuseBadSettings(changes: Partial<InstanceSettings>): void {
  const intervals = {
    pull_mirror_interval_seconds: [changes.pullMirrorIntervalSeconds, 1],
    pull_mirror_min_interval_seconds: [changes.pullMirrorMinIntervalSeconds, 0],
    push_mirror_min_interval_seconds: [changes.pushMirrorMinIntervalSeconds, 0],
  } as const;
  const fields = Object.entries(intervals).flatMap(([name, [seconds, least]]) =>
    seconds === undefined || (seconds >= least && seconds <= LONGEST_INTERVAL_SECONDS)
      ? []
      : [[name, [`must be between ${least} and ${LONGEST_INTERVAL_SECONDS}`]] as const],
  );
  if (fields.length > 0) {
    throw new HeliostatError("model-invalid", "a setting is out of range", {
      fields: Object.fromEntries(fields),
    });
  }
}
