import type { ReadinessAnswer } from "@heliostat/contract/api/instance.ts";
import type { FastifyInstance } from "fastify";
import { sendJson } from "../../api-route.ts";
import type { HttpDoor } from "../../http-door.ts";

/** Registers the probes. `liveness` and `health` say that the process answers, `readiness` that all of it works. */
export async function registerHealth(server: FastifyInstance, door: HttpDoor): Promise<void> {
  for (const url of ["/-/health", "/-/liveness"]) {
    server.get(url, async (_request, reply) => sendJson(reply, 200, { status: "ok" }));
  }
  server.get("/-/readiness", async (_request, reply) => {
    const readiness = await door.useCases.checkReadiness();
    const checks: ReadinessAnswer["checks"] = {};
    for (const [name, check] of Object.entries(readiness.checks)) {
      checks[name] = { status: check.ok ? "ok" : "failed" };
      // The reason is for the operator: anybody may ask this.
      if (!check.ok) door.log.warn({ check: name, reason: check.message }, "not ready");
    }
    const answer: ReadinessAnswer = { status: readiness.ok ? "ok" : "failed", checks };
    return sendJson(reply, readiness.ok ? 200 : 503, answer);
  });
}
