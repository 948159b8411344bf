import { type PipelineRun, pipelineRequest } from "../../domain/pipeline-trigger.ts";
import { fullPathOf } from "../../domain/project.ts";
import { parseRefName } from "../../domain/ref-name.ts";
import type { ClaimedDelivery, ComposedRequest, DeliveryDraft, Ports } from "../ports.ts";

const REDACTED = "[REDACTED]";

/** The request of a delivery, from its trigger as it is now; null: the trigger, or its project, is gone. */
export async function composePipelineRequest(
  ports: Pick<Ports, "hookSecrets" | "instance" | "pipelineTriggers" | "projects">,
  delivery: ClaimedDelivery,
): Promise<ComposedRequest | null> {
  const { id } = delivery.target;
  const trigger = await ports.pipelineTriggers.find(id);
  const project = trigger && (await ports.projects.find(trigger.projectId));
  if (!trigger || !project) return null;
  const { token } = await ports.hookSecrets.read(delivery.target);
  const { externalUrl, version, revision } = ports.instance;
  const path = fullPathOf(project);
  const made = pipelineRequest(trigger, token, readRun(delivery), {
    ...{ id: project.id, path, webUrl: `${externalUrl}/${path}` },
  });
  const open = {
    "User-Agent": `GitLab/${version} (${revision})`,
    "Idempotency-Key": delivery.idempotencyKey,
    ...made.headers,
  };
  const hidden = Object.keys(made.secretHeaders).map((name) => [name, REDACTED]);
  return {
    request: {
      method: "POST",
      url: made.url,
      headers: { ...open, ...made.secretHeaders },
      body: made.body,
      verifiesCertificate: trigger.verifiesCertificate,
    },
    shownUrl: made.url,
    shownHeaders: { ...open, ...Object.fromEntries(hidden) },
    secrets: [...(token === null ? [] : [token]), ...Object.values(made.secretHeaders)],
  };
}

/** What a delivery is about. */
export function readRun({ payload }: Pick<DeliveryDraft, "payload">): PipelineRun {
  const { ref, old, new: tip }: Record<string, unknown> = JSON.parse(payload);
  const oid = (value: unknown) => (typeof value === "string" ? value : null);
  return { ref: parseRefName(String(ref)), old: oid(old), new: oid(tip) };
}
