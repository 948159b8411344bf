import { HeliostatError } from "../../domain/errors.ts";
import { compareHostKeys, type HostKeyComparison } from "../../domain/host-key-comparison.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { schemeOf } from "../../domain/remote-url.ts";
import { HARD_FAILURE_AFTER } from "../../domain/schedule.ts";
import { sshPlaceOf } from "../../domain/ssh-remote.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { PathOrId, UseCases } from "../use-cases.ts";
import { auditMirror } from "./audit-mirror.ts";
import { requireOwnCredential } from "./choose-credential.ts";
import { endsRun } from "./ends-run.ts";
import type { HostKeyScans } from "./host-key-scans.ts";
import { viewMirrors } from "./mirror-view.ts";
import { findMirrorToChange } from "./mirroring-access.ts";
import { requestUpdate } from "./request-update.ts";

/** What to do when a server shows other host keys than it did: look at both, then say that the new ones are right. */
export function hostKeyReviewUseCases(
  ports: Ports,
  scans: HostKeyScans,
): Pick<UseCases, "reviewHostKeys" | "acceptHostKeys"> {
  async function find(
    principal: Principal,
    which: PathOrId,
    mirrorId: number,
  ): ReturnType<typeof findMirrorToChange> {
    const found = await findMirrorToChange(ports, principal, which, mirrorId);
    if (schemeOf(found.mirror.url) !== "ssh") {
      throw new HeliostatError(
        "model-invalid",
        "The mirror's URL is not an ssh:// URL: it has no host keys.",
      );
    }
    return found;
  }

  async function compare(
    principal: Principal,
    { projectId, url, knownHosts }: Mirror,
  ): Promise<HostKeyComparison & { shown: string }> {
    const { user } = requireSignedIn(principal);
    const shown = await scans.lookAnew({ userId: user.id, projectId }, url);
    return { shown, ...compareHostKeys(knownHosts, shown, sshPlaceOf(url)) };
  }

  return {
    async reviewHostKeys(principal, which, mirrorId) {
      const { mirror } = await find(principal, which, mirrorId);
      const { shown, added, removed, kept, revoked } = await compare(principal, mirror);
      return { mirror, knownHosts: shown, added, removed, kept, revoked };
    },
    async acceptHostKeys(principal, which, mirrorId, fingerprints) {
      const { project, mirror } = await find(principal, which, mirrorId);
      const { user } = requireSignedIn(principal);
      await requireOwnCredential(ports, principal, mirror);
      const { added, kept, revoked, accepted } = await compare(principal, mirror);
      const shown = [...added, ...kept].map((key) => key.fingerprint_sha256);
      if (shown.length === 0 && revoked.length > 0) {
        const names = revoked.map((key) => key.fingerprint_sha256).join(", ");
        throw new HeliostatError(
          "conflict",
          `The server shows nothing but keys that are marked as revoked among the stored host keys: ${names}.`,
        );
      }
      if (!areSame(shown, fingerprints)) {
        throw new HeliostatError(
          "conflict",
          `The server shows other host keys than those that were reviewed. It shows ${shown.join(", ")}. Review them again.`,
        );
      }
      const wasPaused = mirror.retryCount > HARD_FAILURE_AFTER;
      const saved = await ports.mirrors.changeMirrorsOf(project.id, async (mirrors) => {
        const stored = (await mirrors.listOf(project.id)).find(({ id }) => id === mirror.id);
        if (!stored) throw new HeliostatError("not-found", "Not found");
        const isSame =
          stored.url === mirror.url &&
          stored.knownHosts === mirror.knownHosts &&
          stored.credential?.id === mirror.credential?.id;
        if (!isSame) {
          throw new HeliostatError(
            "conflict",
            "Somebody else has changed the mirror meanwhile. Review it again.",
          );
        }
        return await mirrors.update(stored.id, {
          knownHosts: { text: accepted, verifiedBy: user.id },
          clearsError: true,
        });
      });
      await auditMirror(ports, principal, { project, mirror: saved }, "mirror-host-keys-accepted", {
        fingerprints: shown,
      });
      if (endsRun(mirror, saved)) await ports.queue.cancel(saved.id);
      if (saved.enabled) {
        await requestUpdate(ports, saved, "configured", { userId: user.id, resumes: wasPaused });
      }
      const now = (await ports.mirrors.find(saved.id)) ?? saved;
      const [view] = await viewMirrors(ports, project, [now]);
      if (!view) throw new HeliostatError("not-found", "Not found");
      return view;
    },
  };
}

function areSame(shown: readonly string[], reviewed: readonly string[]): boolean {
  const set = new Set(reviewed);
  return set.size === new Set(shown).size && shown.every((fingerprint) => set.has(fingerprint));
}
