import { isIP, type Socket } from "node:net";
import {
  connect as connectTls,
  type DetailedPeerCertificate,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { HeliostatError } from "../domain/errors.ts";
import { withoutFinalDot } from "../domain/host-name.ts";
import { type TlsTrouble, tlsError } from "../domain/tls-trouble.ts";
import { networkError } from "./remote-errors.ts";

export interface SecureSocketOptions {
  /** The name that the certificate must be for; an IPv6 address without its brackets. */
  readonly host: string;
  readonly context: SecureContext;
  /** Whether the context shows one: it decides what an end of the handshake may mean. */
  readonly hasClientCertificate: boolean;
  readonly isUnverified?: boolean;
  /** Of an earlier connection to the same host with the same context. */
  readonly session?: Buffer | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Where the caller has no limit around it. */
const HANDSHAKE_MS = 30_000;

/**
 * TLS over a connection that is there. The socket is handed out only when its certificate was found good: by Node, which
 * is told to leave the connection open otherwise, so that the message can say what the certificate is.
 */
export function secureSocket(socket: Socket, options: SecureSocketOptions): Promise<TLSSocket> {
  const { host, context, session } = options;
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      // For the check of the name; nothing is resolved or connected to.
      host,
      ...(isIP(host) === 0 ? { servername: withoutFinalDot(host) } : {}),
      secureContext: context,
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: false,
      ...(session === undefined ? {} : { session }),
    });
    const timer = setTimeout(
      () => fail(new HeliostatError("remote-timeout", `${host} cannot be reached in time.`)),
      options.timeoutMs ?? HANDSHAKE_MS,
    );
    const cancel = (): void => fail(options.signal?.reason);
    options.signal?.addEventListener("abort", cancel, { once: true });
    const over = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancel);
    };
    const fail = (error: unknown): void => {
      over();
      secured.destroy();
      socket.destroy();
      reject(error);
    };
    const failed = (error: Error): void =>
      fail(networkError(error, host, false, options.hasClientCertificate));
    const closed = (): void =>
      fail(new HeliostatError("remote-closed", `${host} closed the connection during the TLS handshake.`));
    secured.once("error", failed);
    secured.once("close", closed);
    secured.once("secureConnect", () => {
      secured.off("close", closed);
      if (secured.authorized !== true && options.isUnverified !== true) {
        fail(tlsError(troubleOf(String(secured.authorizationError), secured), host));
        return;
      }
      over();
      secured.off("error", failed);
      // A server that does not like our certificate says so after the handshake, and closes: what it said is to be the
      // reason, not that it closed.
      secured.once("error", () => secured.destroy());
      resolve(secured);
    });
  });
}

/** What is wrong with the certificate, by OpenSSL's code for it. */
function troubleOf(code: string, socket: TLSSocket): TlsTrouble {
  const own = socket.getPeerCertificate(true);
  switch (code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return { kind: "self-signed" };
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "CERT_UNTRUSTED":
    case "INVALID_CA":
      return {
        kind: own.issuerCertificate === undefined ? "unknown-issuer-alone" : "unknown-issuer",
        issuer: issuerOf(lastOf(own)),
      };
    case "CERT_HAS_EXPIRED":
      return { kind: "expired", at: timeOf(own, (date) => date < new Date(), "valid_to") };
    case "CERT_NOT_YET_VALID":
      return { kind: "not-yet-valid", at: timeOf(own, (date) => date > new Date(), "valid_from") };
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "HOSTNAME_MISMATCH":
      return { kind: "wrong-name", names: namesOf(own) };
    case "CERT_REVOKED":
      return { kind: "revoked" };
    case "CA_MD_TOO_WEAK":
    case "EE_KEY_TOO_SMALL":
    case "CA_KEY_TOO_SMALL":
      return { kind: "weak" };
    default:
      return { kind: "other", reason: code };
  }
}

function lastOf(own: DetailedPeerCertificate): DetailedPeerCertificate {
  let last = own;
  const seen = new Set<DetailedPeerCertificate>();
  while (last.issuerCertificate !== undefined && last.issuerCertificate !== last && !seen.has(last)) {
    seen.add(last);
    last = last.issuerCertificate;
  }
  return last;
}

/** The remote wrote it: it is quoted, short and in one line. */
function issuerOf({ issuer }: DetailedPeerCertificate): string | undefined {
  const name = [issuer?.CN ?? issuer?.OU ?? issuer?.O].flat()[0];
  return name === undefined ? undefined : JSON.stringify(name.replace(/\p{Cc}/gu, " ").slice(0, 100));
}

/** The time of the first certificate in the chain of which it is true. */
function timeOf(
  own: DetailedPeerCertificate,
  isMeant: (date: Date) => boolean,
  which: "valid_from" | "valid_to",
): Date | undefined {
  const seen = new Set<DetailedPeerCertificate>();
  for (let one = own; one !== undefined && !seen.has(one); one = one.issuerCertificate) {
    seen.add(one);
    const date = new Date(one[which]);
    if (isMeant(date)) return date;
  }
  return undefined;
}

/** `DNS:git.example.com, IP Address:10.0.0.1`, as far as it is of names. */
function namesOf(own: DetailedPeerCertificate): string[] {
  const names = (own.subjectaltname ?? "")
    .split(", ")
    .map((name) => name.replace(/^(?:DNS|IP Address):/, ""))
    .filter((name) => /^[\w.:*-]{1,255}$/.test(name));
  const common = [own.subject?.CN].flat()[0];
  return names.length > 0 || common === undefined ? names : [JSON.stringify(common.slice(0, 100))];
}
