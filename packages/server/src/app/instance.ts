import { changedValues } from "../domain/changed-values.ts";
import { asHeliostatError } from "../domain/errors.ts";
import { requireAdmin } from "./access.ts";
import { INSTANCE } from "./audit/entities.ts";
import { refuseBadSettings } from "./check-instance-settings.ts";
import { endHinderedRuns } from "./mirrors/hindered-runs.ts";
import type { InstanceSettings, Ports } from "./ports.ts";
import { recordAudit } from "./record-audit.ts";
import type { Readiness, UseCases } from "./use-cases.ts";

type InstanceUseCases = Pick<UseCases, "readVersion" | "checkReadiness" | "readSettings" | "writeSettings">;

/** What this server is, whether its parts work, and the settings of the instance, which are for admins. */
export function instanceUseCases(
  ports: Pick<Ports, "audit" | "instance" | "settings" | "log" | "clock" | "mirrors" | "queue">,
): InstanceUseCases {
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
      const before = await ports.settings.read();
      refuseBadSettings(changes, before);
      ports.log.info({ username: admin.username, changes }, "instance settings changed");
      const after = await ports.settings.write(changes);
      const changed = changedValues(before, after, API_NAMES);
      if (Object.keys(changed).length > 0) {
        const news = { action: "application-settings-changed", entity: INSTANCE };
        await recordAudit(ports, principal, { ...news, details: { changes: changed } });
      }
      const turnsSwitch =
        after.silentModeEnabled !== before.silentModeEnabled ||
        after.mirrorAvailable !== before.mirrorAvailable;
      if (turnsSwitch) await endHinderedRuns(ports);
      // Other limits may let more run at once.
      ports.queue.wakeAt(ports.clock.now());
      return after;
    },
  };
}

/** Those of the settings that the API does not call as we do. */
const API_NAMES: Partial<Record<keyof InstanceSettings, string>> = {
  allowLocalRequests: "allow_local_requests_from_web_hooks_and_services",
  outboundAllowlist: "outbound_local_requests_whitelist",
};

async function answerOf(probe: () => Promise<void>): Promise<Readiness["checks"][string]> {
  try {
    await probe();
    return { ok: true };
  } catch (error) {
    return { ok: false, message: asHeliostatError(error).message };
  }
}
