import type { Metric, MetricValue } from "./metric.ts";
import type { Ports } from "./ports.ts";
import { CLIENT_WORK, type ClientQueue } from "./repositories/client-queue.ts";
import type { UseCases } from "./use-cases.ts";

/** Numbers that anybody may read: how many, never which. */
export function metricUseCases(
  ports: Pick<Ports, "clock" | "credentials" | "mirrorHooks" | "secretKeys">,
  clients: Pick<ClientQueue, "count">,
): Pick<UseCases, "readMetrics"> {
  return {
    async readMetrics() {
      const counts = await ports.credentials.count(ports.clock.now(), ports.secretKeys.ids());
      const hooks = await ports.mirrorHooks.count(ports.clock.now());
      return [
        metric("credentials_expiring", "Named credentials that expire within seven days.", counts.expiring),
        metric("credentials_expired", "Named credentials that have expired.", counts.expired),
        metric(
          "credentials_needing_secret",
          "Named credentials whose secret must be given anew, because its key is lost.",
          counts.needingSecret,
        ),
        metric(
          "mirrors_needing_secret",
          "Mirrors that cannot show their secret, because its key is lost.",
          counts.mirrorsNeedingSecret,
        ),
        metric("mirrors_hooked", "Pull mirrors that are told of changes by webhooks.", hooks.hooked),
        metric(
          "mirrors_hook_missed",
          "Those of them where polling found the last change, and no webhook told of it.",
          hooks.missing,
        ),
        ...clientMetrics(clients),
      ];
    },
  };
}

function metric(name: string, help: string, value: number): Metric {
  return { name, help, values: [{ value }] };
}

function clientMetrics(clients: Pick<ClientQueue, "count">): readonly Metric[] {
  const valuesOf = (state: "served" | "waiting"): readonly MetricValue[] =>
    CLIENT_WORK.map((work) => ({ labels: { work }, value: clients.count(work)[state] }));
  return [
    { name: "git_clients_served", help: "Clients that a git serves.", values: valuesOf("served") },
    { name: "git_clients_waiting", help: "Clients that wait for a place.", values: valuesOf("waiting") },
  ];
}
