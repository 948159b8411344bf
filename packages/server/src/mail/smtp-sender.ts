import { isIP } from "node:net";
import { createTransport } from "nodemailer";
import type { Delivery, MailSender, WaitingMail } from "../app/ports.ts";
import { redact } from "../domain/redact.ts";

export interface SmtpSenderOptions {
  /** `smtp://` or `smtps://`, checked before: user and password percent-encoded, `?from=` the sender's address. */
  readonly url: string;
  /** Base URL of this server: its host names the sender and the mails. Read anew for each mail. */
  readonly instance: { readonly externalUrl: string };
  readonly limits?: Partial<SmtpLimits>;
}

/** Milliseconds. */
export interface SmtpLimits {
  /** To connect and be greeted. */
  readonly connectMs: number;
  /** Without a byte. */
  readonly idleMs: number;
  /** For the whole of one mail. */
  readonly mailMs: number;
}

export interface SmtpSender extends MailSender {
  close(): void;
}

const LIMITS: SmtpLimits = { connectMs: 10_000, idleMs: 30_000, mailMs: 60_000 };
const CONNECTIONS = 5;
/** Shorter than servers keep an idle connection: one that they have just closed would cost a try. */
const KEEP_MS = 20_000;
/** One address and nothing that could be read as more. */
const ADDRESS = /^[^\s@,;:<>()[\]\\"]+@[^\s@,;<>()\\"]+$/;

/**
 * Sends mails over kept connections. `smtps://` speaks TLS from the start; `smtp://` changes to TLS when the server
 * offers it, and must where a password is sent to another machine: whoever sits in between could hide the offer.
 */
export function createSmtpSender(options: SmtpSenderOptions): SmtpSender {
  const limits = { ...LIMITS, ...options.limits };
  const url = new URL(options.url);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const user = decodeURIComponent(url.username);
  const pass = decodeURIComponent(url.password);
  const secure = url.protocol === "smtps:";
  const transport = createTransport({
    pool: true,
    host,
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: pass !== "" && !isLoopback(host),
    ...(user === "" && pass === "" ? {} : { auth: { user, pass } }),
    maxConnections: CONNECTIONS,
    idleTimeout: KEEP_MS,
    // We try again ourselves, with a pause and a record of it.
    maxRequeues: 0,
    connectionTimeout: limits.connectMs,
    greetingTimeout: limits.connectMs,
    dnsTimeout: limits.connectMs,
    socketTimeout: limits.idleMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  // The mails that were on a connection that breaks fail themselves; an unheard 'error' would end the process.
  transport.on("error", () => undefined);

  async function send(mail: WaitingMail, signal: AbortSignal): Promise<Delivery> {
    if (!ADDRESS.test(mail.recipient)) {
      return { kind: "failed", reason: "The recipient's address is not one.", isFinal: true };
    }
    const domain = mailDomainOf(options.instance.externalUrl);
    const from = url.searchParams.get("from") ?? `heliostat@${domain}`;
    try {
      await transport.sendMail({
        from: { name: "Heliostat", address: from },
        to: { name: "", address: mail.recipient },
        envelope: { from, to: mail.recipient },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        // The same for each try, so that who gets a mail twice can tell.
        messageId: `<heliostat.${mail.createdAt.getTime()}.${mail.id}@${domain}>`,
        date: mail.createdAt,
        headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
        signal: AbortSignal.any([signal, AbortSignal.timeout(limits.mailMs)]),
      });
      return { kind: "sent" };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return {
        kind: "failed",
        reason: redact(text, [pass, `${user}:${pass}`]).slice(0, 1000),
        isFinal: isFinal(error),
      };
    }
  }

  return { send, close: () => transport.close({ force: true }) };
}

/**
 * Whether the server has refused this mail or its recipient for good (5xx). What it has against us, our password or our
 * address, an admin can mend meanwhile.
 */
function isFinal(error: unknown): boolean {
  if (!(error instanceof Error) || !("command" in error) || !("responseCode" in error)) return false;
  const isOfMail = error.command === "RCPT TO" || error.command === "DATA";
  return isOfMail && typeof error.responseCode === "number" && error.responseCode >= 500;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** The part of an address after its `@`, for this host: an address of the network in the form that mail has for it. */
function mailDomainOf(externalUrl: string): string {
  const host = new URL(externalUrl).hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) === 4) return `[${host}]`;
  return isIP(host) === 6 ? `[IPv6:${host}]` : host;
}
