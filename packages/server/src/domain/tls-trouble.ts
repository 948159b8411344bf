import { HeliostatError } from "./errors.ts";

/** What can stand between us and a secure connection. */
export type TlsTrouble =
  | { readonly kind: "unknown-issuer"; readonly issuer?: string | undefined }
  /** The server sends its own certificate only. */
  | { readonly kind: "unknown-issuer-alone"; readonly issuer?: string | undefined }
  | { readonly kind: "self-signed" }
  | { readonly kind: "expired"; readonly at?: Date | undefined }
  | { readonly kind: "not-yet-valid"; readonly at?: Date | undefined }
  | { readonly kind: "wrong-name"; readonly names?: readonly string[] }
  | { readonly kind: "revoked" }
  | { readonly kind: "wants-client-certificate" }
  | { readonly kind: "client-certificate-refused" }
  /** The server ends the handshake without saying why. */
  | { readonly kind: "handshake-refused"; readonly hasClientCertificate: boolean }
  | { readonly kind: "no-common-version" }
  | { readonly kind: "weak" }
  | { readonly kind: "no-tls" }
  /** `reason`: words of the library, fit for a message. */
  | { readonly kind: "other"; readonly reason: string };

const ADD_IT = "add its certificate to this mirror (ca_certificates) or, for all, to HELIOSTAT_CA_FILE";
const MAX_NAMES = 5;

/** The error for it, code `remote-tls`; in the same words whoever noticed. `who`: the host, or `The remote`. */
export function tlsError(trouble: TlsTrouble, who: string, cause?: unknown): HeliostatError {
  const message = `No secure connection: ${sentenceOf(trouble, who)}`;
  return new HeliostatError("remote-tls", message, cause === undefined ? {} : { cause });
}

function sentenceOf(trouble: TlsTrouble, who: string): string {
  switch (trouble.kind) {
    case "unknown-issuer":
      return `${who} shows a certificate by ${issuerOf(trouble)}. If you trust that authority, ${ADD_IT}.`;
    case "unknown-issuer-alone":
      return `${who} shows a certificate by ${issuerOf(trouble)}, and none of that authority. If you trust it, ${ADD_IT}; if it is a public one, the server's chain of certificates is incomplete: mend that there.`;
    case "self-signed":
      return `${who} shows a certificate that it signed itself. If you trust it, ${ADD_IT}.`;
    case "expired":
      return `the certificate of ${who} ${trouble.at ? `expired on ${dayOf(trouble.at)}` : "has expired"}. It must be renewed there.`;
    case "not-yet-valid":
      return `the certificate of ${who} is not valid ${trouble.at ? `before ${dayOf(trouble.at)}` : "yet"}. Check the clocks of both servers.`;
    case "wrong-name":
      return `the certificate of ${who} is not for this name${namesOf(trouble.names ?? [])}. Use a name that it is for, or have one made for this name.`;
    case "revoked":
      return `the certificate of ${who} was revoked. It must be replaced there.`;
    case "wants-client-certificate":
      return `${who} wants a client certificate. Give this mirror one (client_certificate and client_key).`;
    case "client-certificate-refused":
      return `${who} refuses the client certificate: it may have expired, or be by an authority that is not trusted there. Give this mirror another one.`;
    case "handshake-refused":
      return trouble.hasClientCertificate
        ? `${who} ends the handshake: it does not take the client certificate, or has no cipher or version of TLS in common with this server.`
        : `${who} ends the handshake: it wants a client certificate, or has no cipher or version of TLS in common with this server.`;
    case "no-common-version":
      return `${who} speaks no version of TLS that is safe: 1.2 or newer is needed there.`;
    case "weak":
      return `${who} shows a certificate, or takes keys, too weak to be trusted. They must be replaced there.`;
    case "no-tls":
      return `what answers at this port of ${who} is not TLS. Check the URL's port, and whether it should be http://.`;
    case "other":
      return `${who} and this server do not agree (${trouble.reason}).`;
  }
}

function issuerOf({ issuer }: { readonly issuer?: string | undefined }): string {
  return issuer === undefined
    ? "an authority that is not trusted here"
    : `${issuer}, who is not trusted here`;
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, MAX_NAMES).join(", ");
  return ` but for ${shown}${names.length > MAX_NAMES ? " and others" : ""}`;
}

function dayOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? "an unknown day" : date.toISOString().slice(0, 10);
}
