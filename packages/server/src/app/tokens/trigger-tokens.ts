import { HeliostatError } from "../../domain/errors.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { digestToken } from "../accounts/token-digest.ts";
import { auditedProject } from "../audit/entities.ts";
import { hearHook } from "../mirror-hooks/hear-hook.ts";
import { findMirrorToChange } from "../mirrors/mirroring-access.ts";
import { startPull, startPush } from "../mirrors/start-mirror.ts";
import type { Ports, TriggerToken } from "../ports.ts";
import { createRateLimit } from "../rate-limit.ts";
import { recordAudit } from "../record-audit.ts";
import type { TriggerTokenUseCases } from "./trigger-token-use-cases.ts";

const LONGEST_NAME = 255;

/** A host tells of each push; more than this in a minute says nothing new. */
const STARTS_A_MINUTE = 30;

/** Trigger tokens, for those who may change the mirror; and starting it with one, so many times a minute. */
export function triggerTokenUseCases(ports: Ports): TriggerTokenUseCases {
  const limit = createRateLimit(ports.clock, { perKey: STARTS_A_MINUTE, windowMs: 60_000 });

  async function note(principal: Principal, action: string, project: Project, token: TriggerToken) {
    await recordAudit(ports, principal, {
      action,
      entity: auditedProject(project),
      target: { type: "MirrorTriggerToken", id: token.id, details: token.name },
      details: { mirror_id: token.mirrorId },
    });
  }

  return {
    async listTriggerTokens(principal, which, mirrorId) {
      const { mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      return await ports.triggerTokens.listOf(mirror.id);
    },
    async createTriggerToken(principal, which, mirrorId, name) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      if (name.length > LONGEST_NAME) {
        throw new HeliostatError("model-invalid", "the name is too long", {
          fields: { name: [`is too long (maximum is ${LONGEST_NAME} characters)`] },
        });
      }
      const secret = ports.instance.makeTokenSecret("trigger");
      const token = await ports.triggerTokens.create({
        mirrorId: mirror.id,
        name,
        digest: digestToken(secret),
        createdBy: requireSignedIn(principal).user.id,
      });
      await note(principal, "trigger-token-created", project, token);
      return { token, secret };
    },
    async removeTriggerToken(principal, which, mirrorId, id) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      const token = await ports.triggerTokens.remove(mirror.id, id);
      if (token === null) throw notFound();
      const isLast = (await ports.triggerTokens.listOf(mirror.id)).length === 0;
      if (isLast && !mirror.hook.hasSecret) await ports.mirrorHooks.forget(mirror.id);
      await note(principal, "trigger-token-revoked", project, token);
    },
    async triggerMirror(secret, which, wanted, hook) {
      // Without a good token nothing else is looked up, so that not even the time taken tells what there is.
      const token = await ports.triggerTokens.findByDigest(digestToken(secret));
      const mirror = token && (await ports.mirrors.find(token.mirrorId));
      if (!token || !mirror) throw notFound();
      const project = await ports.projects.find(mirror.projectId);
      const isOfProject =
        typeof which === "number"
          ? which === project?.id
          : project !== null && which.toLowerCase() === fullPathOf(project).toLowerCase();
      const isMirror = wanted === "pull" ? mirror.direction === "pull" : wanted === mirror.id;
      if (!project || !isOfProject || !isMirror) throw notFound();
      if (!limit.take(String(token.id))) {
        throw new HeliostatError(
          "too-many-starts",
          "This token has started the mirror too often. Try again later.",
        );
      }
      await ports.triggerTokens.touch(token, ports.clock.now());
      return await hearHook(ports, mirror, hook, null, async () =>
        mirror.direction === "push"
          ? await startPush(ports, null, project, mirror)
          : await startPull(ports, { kind: "anonymous" }, project, mirror, { force: false }),
      );
    },
  };
}

function notFound(): HeliostatError {
  return new HeliostatError("not-found", "Not Found");
}
