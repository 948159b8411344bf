import type { FastifyInstance } from "fastify";
import type { Metric } from "../../../app/metric.ts";
import type { HttpDoor } from "../../http-door.ts";

/** Registers `/-/metrics` in Prometheus' text form. Like the probes it is open to all: it has numbers and no names. */
export async function registerMetrics(server: FastifyInstance, door: HttpDoor): Promise<void> {
  server.get("/-/metrics", async (_request, reply) => {
    const metrics = await door.useCases.readMetrics();
    return reply
      .header("content-type", "text/plain; version=0.0.4; charset=utf-8")
      .header("cache-control", "no-store")
      .send(metrics.map(linesOf).join(""));
  });
}

function linesOf({ name, help, values }: Metric): string {
  const full = `heliostat_${name}`;
  const samples = values.map(({ labels = {}, value }) => `${full}${braced(labels)} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${samples.join("")}`;
}

function braced(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
