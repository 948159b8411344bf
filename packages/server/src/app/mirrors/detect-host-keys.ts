import { HeliostatError } from "../../domain/errors.ts";
import { haveHostKeysChanged } from "../../domain/known-hosts.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { HostKeyDetection, UseCases } from "../use-cases.ts";
import type { HostKeyScan, HostKeyScans } from "./host-key-scans.ts";
import { findMirroredProject } from "./mirroring-access.ts";

/** What a server shows, for a mirror that is yet to be made. Nothing of it is trusted until somebody says so. */
export function detectHostKeysUseCases(
  ports: Pick<Ports, "projects" | "settings">,
  scans: HostKeyScans,
): Pick<UseCases, "detectHostKeys"> {
  return {
    async detectHostKeys(principal, which, { url, compareWith, wait }) {
      const project = await findMirroredProject(ports, principal, which, "admin-mirrors");
      const { user } = requireSignedIn(principal);
      let scan: HostKeyScan;
      try {
        scan = await scans.look({ userId: user.id, projectId: project.id }, parseRemoteUrl(url.trim()).url);
      } catch (error) {
        return refusalFor(error);
      }
      const result = wait ? await scan.done : scan.result;
      if (result === null) return { kind: "scanning" };
      if (result.kind === "failed") return { kind: "failed", reason: result.error.message };
      const { knownHosts } = result;
      return { kind: "found", knownHosts, haveChanged: haveHostKeysChanged(knownHosts, compareWith) };
    },
  };
}

/** A name that does not resolve is a mistake in the URL, as it is when a mirror is saved. */
function refusalFor(error: unknown): HostKeyDetection {
  const isRefused =
    error instanceof HeliostatError &&
    (error.code === "url-blocked" || error.code === "url-invalid" || error.code === "remote-unreachable");
  if (!isRefused) throw error;
  return { kind: "refused", reason: error.message };
}
