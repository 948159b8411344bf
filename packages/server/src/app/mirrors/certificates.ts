import {
  parseCertificates,
  parseClientCertificate,
  UnfitClientCertificate,
  UnfitPem,
} from "../../domain/certificates.ts";
import { invalidField } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { ClientCertificate, MirrorChanges } from "../ports.ts";
import type { MirrorSettings } from "../use-cases.ts";

/**
 * A company's roots with all that stands between, or a chain. More is a bundle of all the roots of a system, pasted by
 * mistake: those are trusted already, and each listing of mirrors would carry the text along.
 */
const MOST_CERTIFICATES = 25;
/** As many with the longest keys in use, and words between them. */
const LONGEST_TEXT = 64_000;

/** What a save says of certificates; undefined: nothing, null: they are to go. */
export interface CertificateSettings {
  readonly caCertificates: string | null | undefined;
  readonly clientCertificate: ClientCertificate | null | undefined;
}

/**
 * Reads the certificates among the settings; `model-invalid` says in a sentence what is wrong with one. The stored client
 * certificate that comes back alone, as answers show it, changes nothing.
 */
export function readCertificates(
  settings: Pick<MirrorSettings, "caCertificates" | "clientCertificate" | "clientKey">,
  stored: Pick<Mirror, "clientCertificate"> | null,
): CertificateSettings {
  const { caCertificates, clientCertificate, clientKey } = settings;
  return {
    caCertificates:
      caCertificates === undefined
        ? undefined
        : caCertificates && readText("ca_certificates", caCertificates, readBundle),
    clientCertificate:
      clientKey === undefined && clientCertificate && clientCertificate === stored?.clientCertificate
        ? undefined
        : readClient(clientCertificate, clientKey),
  };
}

/**
 * What a save changes of a mirror's certificates. Those of another host are not this one's: without new ones they go,
 * as other secrets do; with a pull mirror that is switched off goes what it shows.
 */
export function certificateChanges(
  given: CertificateSettings,
  { isOtherHost, switchesPullOff }: { readonly isOtherHost: boolean; readonly switchesPullOff: boolean },
): Pick<MirrorChanges, "caCertificates" | "clientCertificate"> {
  const caCertificates = given.caCertificates === undefined && isOtherHost ? null : given.caCertificates;
  const clientCertificate =
    switchesPullOff || (given.clientCertificate === undefined && isOtherHost)
      ? null
      : given.clientCertificate;
  return {
    ...(caCertificates === undefined ? {} : { caCertificates: caCertificates || null }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  };
}

function readClient(
  certificate: string | null | undefined,
  key: string | null | undefined,
): ClientCertificate | null | undefined {
  if (certificate === undefined && key === undefined) return undefined;
  if (!certificate && !key) return null;
  if (!certificate)
    throw invalidField("client_certificate", "is missing: a client_key goes with its certificate");
  if (!key) throw invalidField("client_key", "is missing: a client_certificate goes with its key");
  return readText("client_certificate", certificate, () => {
    try {
      const parsed = parseClientCertificate(certificate, key);
      refuseMany("client_certificate", parseCertificates(parsed.certificate).length);
      return parsed;
    } catch (error) {
      if (!(error instanceof UnfitClientCertificate)) throw error;
      throw invalidField(error.of === "key" ? "client_key" : "client_certificate", error.message);
    }
  });
}

function readBundle(text: string): string {
  const certificates = parseCertificates(text);
  refuseMany("ca_certificates", certificates.length);
  return certificates.map(({ pem }) => pem).join("");
}

function refuseMany(field: string, count: number): void {
  if (count > MOST_CERTIFICATES)
    throw invalidField(field, `holds too many certificates (maximum is ${MOST_CERTIFICATES})`);
}

function readText<T>(field: string, text: string, read: (text: string) => T): T {
  if (text.length > LONGEST_TEXT)
    throw invalidField(field, `is too long (maximum is ${LONGEST_TEXT} characters)`);
  try {
    return read(text);
  } catch (error) {
    throw error instanceof UnfitPem ? invalidField(field, error.message) : error;
  }
}
