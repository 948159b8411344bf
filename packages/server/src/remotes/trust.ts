import { createHash } from "node:crypto";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import type { RemoteTrust } from "../app/ports.ts";
import { createMemory } from "./memory.ts";

/** By whom a remote may be vouched for and what it is shown, ready for use. */
export interface Trust {
  /** The same for the same certificates: connections may be shared and sessions resumed within one. */
  readonly id: string;
  readonly context: SecureContext;
  readonly hasClientCertificate: boolean;
  /** The certificate of the other side is not looked at. */
  readonly isUnverified: boolean;
}

export interface TrustStore {
  of(trust: RemoteTrust | undefined): Trust;
  /** Whether there is anything beyond what the system trusts: then git, which knows only that, is helped. */
  isSpecial(trust: RemoteTrust | undefined): boolean;
}

const MAX_KEPT = 200;
const KEPT_MS = 600_000;

/**
 * What is trusted: the certificates of the system, those of the instance, and for one remote its own. A context takes
 * some milliseconds to make, so those in use are kept.
 */
export function createTrustStore(instanceCertificates: string | null): TrustStore {
  const kept = createMemory<Trust>(KEPT_MS, MAX_KEPT);
  let systems: readonly string[] | undefined;

  function makeContext({ caCertificates, clientCertificate }: RemoteTrust): SecureContext {
    systems ??= systemCertificates();
    const own = [instanceCertificates ?? [], caCertificates ?? []].flat();
    return createSecureContext({
      ca: [...systems, ...own],
      minVersion: "TLSv1.2",
      // Somebody who trusts a server or an intermediate authority by name means just that one, and not its root.
      allowPartialTrustChain: own.length > 0,
      ...(clientCertificate
        ? { cert: clientCertificate.certificate, key: clientCertificate.privateKey }
        : {}),
    });
  }

  function makeTrust(id: string, trust: RemoteTrust): Trust {
    let context: SecureContext | undefined;
    return {
      id,
      // Tens of megabytes, with all the certificates of the system: not for remotes that are spoken to without TLS.
      get context() {
        context ??= makeContext(trust);
        return context;
      },
      hasClientCertificate: trust.clientCertificate !== undefined,
      isUnverified: trust.isUnverified === true,
    };
  }

  return {
    of(trust) {
      const { caCertificates, clientCertificate, isUnverified = false } = trust ?? {};
      const id = createHash("sha256")
        .update(
          JSON.stringify([
            caCertificates ?? "",
            clientCertificate?.certificate ?? "",
            clientCertificate?.privateKey ?? "",
            isUnverified,
          ]),
        )
        .digest("base64");
      const known = kept.get(id);
      if (known !== undefined) return known;
      const made = makeTrust(id, trust ?? {});
      kept.set(id, made);
      return made;
    },
    isSpecial: (trust) =>
      instanceCertificates !== null ||
      trust?.caCertificates !== undefined ||
      trust?.clientCertificate !== undefined,
  };
}

/** Those that git goes by too; where the system has none, Node's own. */
function systemCertificates(): readonly string[] {
  const system = getCACertificates("system");
  return [...(system.length > 0 ? system : getCACertificates("bundled")), ...getCACertificates("extra")];
}
