import type { InstanceSettings } from "../../../app/ports.ts";
import type { UseCases } from "../../../app/use-cases.ts";
import { requireAdmin } from "./memory.ts";

const SETTINGS: InstanceSettings = {
  allowLocalRequests: false,
  mirrorAvailable: true,
  pullMirrorIntervalSeconds: 1800,
  pullMirrorMinIntervalSeconds: 60,
  pushMirrorMinIntervalSeconds: 5,
  silentModeEnabled: false,
  mirrorMaxDelay: 300,
  mirrorMaxCapacity: 100,
  mirrorCapacityThreshold: 50,
  mirrorMaxUpdatesPerHost: 8,
  mirrorUpdateTimeoutSeconds: 10_800,
  mirrorStallTimeoutSeconds: 120,
  mirrorUpdateRetentionDays: 30,
  auditEventRetentionDays: 0,
  repositorySizeLimit: 0,
  maxRefs: 1_000_000,
  fsckSeverity: "off",
  pushEventActivitiesLimit: 3,
  pushEventHooksLimit: 3,
  gitPushPipelineLimit: 4,
  outboundAllowlist: [],
  denyAllRequestsExceptAllowed: false,
  dnsRebindingProtectionEnabled: true,
  sessionExpireDelay: 10_080,
  throttleUnauthenticatedApiEnabled: true,
  throttleUnauthenticatedApiRequestsPerPeriod: 3600,
  throttleUnauthenticatedApiPeriodInSeconds: 3600,
  throttleAuthenticatedApiEnabled: false,
  throttleAuthenticatedApiRequestsPerPeriod: 7200,
  throttleAuthenticatedApiPeriodInSeconds: 3600,
  defaultBranchProtection: 2,
  maxFileSize: 0,
  maxPushSize: 0,
  requiresSecondFactor: false,
};

/** What it is, whether it works, and its settings. */
export function instanceInMemory() {
  return {
    countApiRequest: async () => undefined,
    readVersion: () => ({ version: "18.5.0-ee", revision: "abc" }),
    checkReadiness: async () => ({ ok: true, checks: { database: { ok: true } } }),
    readMetrics: async () => [
      { name: "credentials_expired", help: "Those that have expired.", values: [{ value: 2 }] },
      {
        name: "git_clients_waiting",
        help: "Those in line.",
        values: [{ labels: { work: "refs" }, value: 1 }],
      },
    ],
    readSettings: async (principal) => {
      requireAdmin(principal);
      return SETTINGS;
    },
    writeSettings: async (principal, changes) => {
      requireAdmin(principal);
      return { ...SETTINGS, ...changes };
    },
  } satisfies Partial<UseCases>;
}
