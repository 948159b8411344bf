import { once } from "node:events";
import { SMTPServer } from "smtp-server";

/** A mail as a server got it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Name in small letters → value, unfolded and undecoded. A name that comes twice has both, by a line end. */
  readonly headers: ReadonlyMap<string, string>;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Everything, byte for byte. */
  readonly raw: string;
  readonly isSecure: boolean;
}

/** What the server says in place of `250`; `hang`: nothing at all. */
export type Refusal = { readonly code: number; readonly words: string } | "hang";

export interface MailServer {
  readonly port: number;
  /** In the order in which they were accepted. */
  readonly mails: readonly ReceivedMail[];
  /** User names and passwords that were tried. */
  readonly logins: readonly string[];
  /** From now on each recipient, or each mail once it is there, is answered so; null: gladly. */
  refuse(at: "recipient" | "mail", refusal: Refusal | null): void;
  close(): Promise<void>;
}

export interface MailServerOptions {
  readonly auth?: { readonly username: string; readonly password: string };
  /** TLS from the start, with the certificate that the package brings for tests. */
  readonly secure?: boolean;
  /** The same, when the client asks for it. */
  readonly startTls?: boolean;
  /** A port that must be this one: where a server was before. */
  readonly port?: number;
}

/** Starts a real mail server on 127.0.0.1. Nobody trusts its certificate. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const logins: string[] = [];
  const refusals: { recipient: Refusal | null; mail: Refusal | null } = { recipient: null, mail: null };
  const { auth } = options;
  const answer = (refusal: Refusal | null, callback: (error?: Error | null) => void): void => {
    if (refusal === "hang") return;
    callback(
      refusal === null ? null : Object.assign(new Error(refusal.words), { responseCode: refusal.code }),
    );
  };
  const server = new SMTPServer({
    secure: options.secure ?? false,
    logger: false,
    disabledCommands: options.startTls === true ? [] : ["STARTTLS"],
    authOptional: auth === undefined,
    allowInsecureAuth: true,
    closeTimeout: 100,
    onAuth(given, _session, callback) {
      logins.push(`${given.username}:${given.password}`);
      const isRight = given.username === auth?.username && given.password === auth?.password;
      callback(isRight ? null : new Error(`${given.password} is wrong`), { user: given.username });
    },
    onRcptTo(_address, _session, callback) {
      answer(refusals.recipient, callback);
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        if (refusals.mail === null) {
          const from = mailFrom === false ? "" : mailFrom.address;
          const to = rcptTo.map(({ address }) => address);
          mails.push({ from, to, isSecure: session.secure, ...parseMail(Buffer.concat(chunks).toString()) });
        }
        answer(refusals.mail, callback);
      });
    },
  });
  // A client that goes away in the middle is not this server's trouble.
  server.on("error", () => undefined);
  const listening = server.listen(options.port ?? 0, "127.0.0.1");
  await once(listening, "listening");
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    mails,
    logins,
    refuse(at, refusal) {
      refusals[at] = refusal;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

type ParsedMail = Pick<ReceivedMail, "headers" | "subject" | "text" | "html" | "raw">;

/** As much of MIME as our mails are made of: two alternatives, each in some transfer encoding. */
function parseMail(raw: string): ParsedMail {
  const { headers, body } = parsePart(raw);
  const [, boundary = ""] = /boundary="([^"]+)"/.exec(headers.get("content-type") ?? "") ?? [];
  const parts = body.split(`--${boundary}`).map((part) => parsePart(part.replace(/^\r\n/, "")));
  const partOf = (type: string): string => {
    const part = parts.find((each) => each.headers.get("content-type")?.startsWith(type) === true);
    return part === undefined ? "" : decodeBody(part);
  };
  return {
    headers,
    subject: decodeWords(headers.get("subject") ?? ""),
    text: partOf("text/plain"),
    html: partOf("text/html"),
    raw,
  };
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function parsePart(raw: string): Part {
  const end = raw.indexOf("\r\n\r\n");
  const headers = new Map<string, string>();
  for (const line of raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}\n${value}` : value);
  }
  return { headers, body: raw.slice(end + 4) };
}

function decodeBody({ headers, body }: Part): string {
  const encoding = headers.get("content-transfer-encoding");
  const bytes =
    encoding === "base64"
      ? Buffer.from(body, "base64")
      : encoding === "quoted-printable"
        ? decodeQuoted(body.replaceAll("=\r\n", ""))
        : Buffer.from(body);
  return bytes.toString().replaceAll("\r\n", "\n").trimEnd();
}

function decodeWords(value: string): string {
  return value
    .replaceAll(/\?=\s+=\?/g, "?==?")
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_match, kind: string, text: string) =>
      kind.toLowerCase() === "b"
        ? Buffer.from(text, "base64").toString()
        : decodeQuoted(text.replaceAll("_", " ")).toString(),
    );
}

function decodeQuoted(text: string): Buffer {
  const byte = (_match: string, code: string): string => String.fromCharCode(Number.parseInt(code, 16));
  return Buffer.from(text.replaceAll(/=([0-9A-F]{2})/gi, byte), "latin1");
}
