import { HeliostatError, invalidField } from "../../domain/errors.ts";
import type { Project } from "../../domain/project.ts";
import { TOKEN_PREFIXES } from "../../domain/token-prefixes.ts";
import { requireSignedIn } from "../access.ts";
import { auditMirror } from "../mirrors/audit-mirror.ts";
import { findMirrorToChange } from "../mirrors/mirroring-access.ts";
import { startPull, startPush } from "../mirrors/start-mirror.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { Ports } from "../ports.ts";
import { hearHook } from "./hear-hook.ts";
import type { MirrorHookUseCases } from "./mirror-hook-use-cases.ts";
import { verifyProof } from "./verify-proof.ts";

const SHORTEST_SECRET = 16;
const LONGEST_SECRET = 255;

const REFUSED =
  "The webhook does not prove that it is from the other side of this mirror. Give it the mirror's hook secret, or " +
  "put a trigger token of the mirror into its URL (?token=).";

export function mirrorHookUseCases(ports: Ports): MirrorHookUseCases {
  // Where there is no secret, this one is compared with: nobody knows it, and it takes as long.
  const nobodys = ports.randomBytes(32).toString("hex");

  async function findProject(which: PathOrId): Promise<Project | null> {
    return typeof which === "number"
      ? await ports.projects.find(which)
      : await ports.projects.findByFullPath(which);
  }

  return {
    async createHookSecret(principal, which, mirrorId, given) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      const { id: userId } = requireSignedIn(principal).user;
      const secret = given === null || given === "" ? makeSecret(ports) : given;
      checkSecret(secret);
      const { createdAt } = await ports.mirrorHooks.writeSecret(mirror.id, secret, userId);
      const action = mirror.hook.hasSecret ? "mirror-hook-secret-replaced" : "mirror-hook-secret-created";
      await auditMirror(ports, principal, { project, mirror }, action);
      return { mirrorId: mirror.id, secret, createdBy: userId, createdAt };
    },
    async removeHookSecret(principal, which, mirrorId) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      if (!(await ports.mirrorHooks.removeSecret(mirror.id))) {
        throw new HeliostatError("not-found", "Not found");
      }
      await ports.mirrorHooks.forget(mirror.id);
      await auditMirror(ports, principal, { project, mirror }, "mirror-hook-secret-removed");
    },
    async receiveHook(which, wanted, hook) {
      const project = await findProject(which);
      const hooked = await ports.mirrorHooks.findHooked(project?.id ?? 0, wanted);
      const signed = verifyProof(hook, hooked?.secret ?? nobodys);
      const mirror = signed && hooked && (await ports.mirrors.find(hooked.id));
      if (!project || !mirror) throw new HeliostatError("hook-refused", REFUSED);
      const isSigned = hook.proof?.kind === "signature";
      return await hearHook(ports, mirror, hook, isSigned ? signed : null, async () =>
        mirror.direction === "push"
          ? await startPush(ports, null, project, mirror)
          : await startPull(ports, { kind: "anonymous" }, project, mirror, { force: false }),
      );
    },
  };
}

function makeSecret(ports: Pick<Ports, "randomBytes">): string {
  return ports.randomBytes(32).toString("base64url");
}

/** It is for signing only: what begins like a token must not be taken for one, nor a token given away as one. */
function checkSecret(secret: string): void {
  if (secret.length < SHORTEST_SECRET) {
    throw invalidField("secret", `is too short (minimum is ${SHORTEST_SECRET} characters)`);
  }
  if (secret.length > LONGEST_SECRET) {
    throw invalidField("secret", `is too long (maximum is ${LONGEST_SECRET} characters)`);
  }
  // In a header nothing else arrives as it was sent.
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw invalidField("secret", "must be letters, digits and signs of ASCII, without spaces");
  }
  if (Object.values(TOKEN_PREFIXES).some((prefix) => secret.startsWith(prefix))) {
    throw invalidField("secret", "is an access token. Take a text that opens nothing else");
  }
}
