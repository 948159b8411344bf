import { FIRED_HOOK_EVENTS, type FiredHookEvent, type HookEvent } from "@heliostat/contract";
import { HeliostatError } from "../../domain/errors.ts";
import type { Hook } from "../../domain/hook.ts";
import {
  mirrorUpdatePayload,
  pushPayload,
  repositoryUpdatePayload,
  tagPushPayload,
} from "../../domain/hook-payload.ts";
import type { Project } from "../../domain/project.ts";
import type { RefMove } from "../../domain/refs.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { type Attempt, deliverNow } from "../deliveries/attempt-delivery.ts";
import type { DeliveryDraft, Ports } from "../ports.ts";
import { createRateLimit } from "../rate-limit.ts";
import { composeHookRequest } from "./compose-hook-request.ts";
import type { HookUseCases } from "./hook-use-cases.ts";
import { auditHook, findHookFor } from "./manage-hooks.ts";
import { readPayloadMoves, readPayloadProject, readPayloadUser } from "./read-payload-facts.ts";
import { draftsOf } from "./tell-hooks.ts";

/** By hand, for one hook. */
const SENT_A_MINUTE = 30;

/** What was sent to a hook, and sending by hand. */
export function hookDeliveryUseCases(
  ports: Ports,
): Pick<HookUseCases, "testHook" | "listHookDeliveries" | "findHookDelivery" | "resendHookDelivery"> {
  const limit = createRateLimit(ports.clock, { perKey: SENT_A_MINUTE, windowMs: 60_000 });

  /** Sends it while the client waits, however its hook has fared. */
  async function sendNow(hook: Hook, draft: DeliveryDraft): Promise<Attempt> {
    if (!limit.take(String(hook.id))) {
      throw new HeliostatError(
        "too-many-deliveries",
        "This endpoint has been requested too many times. Try again later.",
      );
    }
    if ((await ports.settings.read()).silentModeEnabled)
      throw new HeliostatError("hook-test-failed", "Silent Mode is on: nothing is sent.");
    const sent = await deliverNow(ports, draft, {
      compose: (delivery) => composeHookRequest(ports, delivery),
      signal: new AbortController().signal,
    });
    if (sent === null) throw notFound();
    return sent.attempt;
  }

  async function samplePayload(
    principal: Principal,
    project: Project,
    event: FiredHookEvent,
  ): Promise<object> {
    const source = {
      project: await readPayloadProject(ports, project),
      user: await readPayloadUser(ports, requireSignedIn(principal).user.id),
    };
    if (event === "mirror_update_events")
      return mirrorUpdatePayload(source, await sampleUpdate(ports, project));
    const move =
      event === "tag_push_events" ? await sampleTag(ports, project) : await samplePush(ports, project);
    if (event === "repository_update_events") return repositoryUpdatePayload(source, [move]);
    const [told] = await readPayloadMoves(ports, project, [move], new AbortController().signal);
    if (told === undefined) throw nothingToTell("commit");
    return event === "tag_push_events" ? tagPushPayload(source, told) : pushPayload(source, told);
  }

  return {
    async testHook(principal, which, id, event) {
      const found = await findHookFor(ports, principal, which, id, "admin-hooks");
      if (!isFired(event)) {
        throw new HeliostatError(
          "hook-test-failed",
          `Nothing here fires ${event}: test ${FIRED_HOOK_EVENTS.join(", ")}.`,
        );
      }
      const payload = await samplePayload(principal, found.project, event);
      const [draft] = draftsOf(found.project.id, { event, hooks: [found.hook], payload });
      if (draft === undefined) throw notFound();
      const attempt = await sendNow(found.hook, draft);
      await auditHook(ports, principal, "hook-tested", found, { event });
      if (attempt.kind === "sent" && attempt.outcome.kind === "delivered") return;
      const reason = attempt.kind === "sent" ? attempt.record.error : null;
      throw new HeliostatError(
        "hook-test-failed",
        reason ?? "The webhook could not be sent. Its recent events say why.",
      );
    },
    async listHookDeliveries(principal, which, id, filter, page) {
      const { hook } = await findHookFor(ports, principal, which, id, "read-hooks");
      return await ports.deliveries.list({ kind: "hook", id: hook.id }, filter, page);
    },
    async findHookDelivery(principal, which, id, deliveryId) {
      const { hook } = await findHookFor(ports, principal, which, id, "read-hooks");
      const entry = await ports.deliveries.find({ kind: "hook", id: hook.id }, deliveryId);
      if (entry === null) throw notFound();
      return entry;
    },
    async resendHookDelivery(principal, which, id, deliveryId) {
      const found = await findHookFor(ports, principal, which, id, "admin-hooks");
      const entry = await ports.deliveries.find({ kind: "hook", id }, deliveryId);
      if (entry === null) throw notFound();
      const { projectId, target, event, eventUuid, idempotencyKey, payload } = entry;
      const draft = { projectId, target, event, eventUuid, idempotencyKey, payload };
      const attempt = await sendNow(found.hook, draft);
      await auditHook(ports, principal, "hook-delivery-resent", found, { delivery: deliveryId });
      if (attempt.kind !== "sent")
        return { status: null, error: "It could not be sent. The hook's recent events say why." };
      return { status: attempt.record.responseStatus, error: attempt.record.error };
    },
  };
}

function isFired(event: HookEvent): event is FiredHookEvent {
  return FIRED_HOOK_EVENTS.some((fired) => fired === event);
}

/** The newest commit of the default branch, as if it had just been pushed. */
async function samplePush(
  { browsing, repositories }: Pick<Ports, "browsing" | "repositories">,
  project: Project,
): Promise<RefMove> {
  const path = repositories.pathOf(project.id);
  const branch = await repositories.readDefaultBranch(path);
  const tip = branch === null ? null : await browsing.readRef(path, branch);
  const commit = tip === null ? undefined : (await browsing.readCommits(path, [tip])).get(tip);
  if (branch === null || tip === null || commit === undefined) throw nothingToTell("commit");
  return { ref: branch, old: commit.parents[0] ?? null, new: tip };
}

async function sampleTag(
  { browsing, repositories }: Pick<Ports, "browsing" | "repositories">,
  project: Project,
): Promise<RefMove> {
  const { refs } = await browsing.listRefs(repositories.pathOf(project.id), "tags");
  const [tag] = refs;
  if (tag === undefined) throw nothingToTell("tag");
  return { ref: tag[0], old: null, new: tag[1] };
}

async function sampleUpdate(
  { clock, mirrors }: Pick<Ports, "clock" | "mirrors">,
  project: Project,
): Promise<Parameters<typeof mirrorUpdatePayload>[1]> {
  const [mirror] = await mirrors.listOf(project.id);
  if (mirror === undefined) throw nothingToTell("mirror");
  const at = clock.now();
  return {
    action: "finished",
    mirror: { id: mirror.id, direction: mirror.direction, enabled: mirror.enabled, url: mirror.url },
    update: {
      ...{ id: 0, trigger: "manual", startedAt: at, finishedAt: at, status: "finished" },
      ...{ willRetry: false, nextUpdateAt: null, error: null, errorCode: null, results: [] },
      ...{ upToDate: 0, skipped: 0, bytesReceived: 0, bytesSent: 0 },
    },
  };
}

/** GitLab's words. */
function nothingToTell(what: "commit" | "tag" | "mirror"): HeliostatError {
  return new HeliostatError("hook-test-failed", `Ensure the project has at least one ${what}.`);
}

function notFound(): HeliostatError {
  return new HeliostatError("not-found", "Not found");
}
