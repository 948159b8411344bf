import type { ErrorCode } from "@heliostat/contract";
import { type TlsTrouble, tlsError } from "../domain/tls-trouble.ts";
import { describeFsckRefusal } from "./fsck-config.ts";

export interface StderrClass {
  readonly code: ErrorCode;
  /** What happened and what to do, for operators. */
  readonly message: string;
}

/** What operators are told of a full disk, whoever found it full. */
export const DISK_FULL =
  "There is no space left on the disk of this server. Free some space; the next update goes on from there.";

/** Git cannot read an object of the repository that it runs in: to pack it, for one. */
export const BROKEN_OWN_OBJECT =
  /^fatal: (unable to read [0-9a-f]{40}|bad (tree )?object [0-9a-f]{40}|loose object [0-9a-f]{40})/m;

/** Git stumbled over a ref of the repository that it ran in, not over what the remote sent. */
export const BROKEN_OWN_REF = /^fatal: (bad object refs\/|missing object [0-9a-f]+ for refs\/)/m;

const OWN_DAMAGE =
  "The repository on this server is damaged or missing. Run `git fsck` on it; nothing was changed.";

/**
 * What OpenSSL says through git, and GnuTLS where it says more than that there is something. The refs were listed in
 * process before, as a rule, and told the same with more detail.
 */
const TLS_WORDS: readonly (readonly [RegExp, TlsTrouble])[] = [
  [/unable to get (local )?issuer certificate|self[- ]signed certificate in/i, { kind: "unknown-issuer" }],
  [/self[- ]signed certificate/i, { kind: "self-signed" }],
  [/certificate has expired/i, { kind: "expired" }],
  [/certificate is not yet valid/i, { kind: "not-yet-valid" }],
  [/certificate subject name|alternative certificate subject/i, { kind: "wrong-name" }],
  [/alert certificate required|Certificate is required/i, { kind: "wants-client-certificate" }],
  [/alert (bad certificate|unknown ca|certificate \w+)/i, { kind: "client-certificate-refused" }],
  [/wrong version number|unexpected TLS packet/i, { kind: "no-tls" }],
  [/alert protocol version|routines:[^:]*:unsupported protocol/i, { kind: "no-common-version" }],
];

const TLS_LINE =
  /SSL certificate problem|certificate verification failed|gnutls_handshake|SSL_connect|SSL routines|SSL peer|TLS (?:connect|handshake)/i;

interface Row {
  readonly pattern: RegExp;
  /** What the remote's git says is judged too. */
  readonly isOfRemote?: true;
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * Lines of git and curl in the C locale, in order of precedence: a cause before what follows from it. A full disk makes
 * the remote "hang up unexpectedly", and a server's refusal comes with a broken connection behind it. The test holds
 * captured lines for each row.
 */
const ROWS: readonly Row[] = [
  {
    // The last is what `update-ref` says, without the system's reason: only a disk lets a lock be made and not written.
    pattern: /No space left on device|Disk quota exceeded|Out of diskspace|couldn't write '.*\.lock'/,
    code: "disk-full",
    message: DISK_FULL,
  },
  {
    // Of memory, more than the system, or our own bound for it, gives to one process.
    pattern:
      /Out of memory, \w+ failed|attempting to allocate \d+ over limit|data too large to fit into virtual memory|cannot allocate memory/i,
    code: "repository-too-large",
    message:
      "Git needed more memory for this than it is given. Nothing was changed. If the repository is in order, run the server on a machine with more memory.",
  },
  {
    pattern:
      /mismatched algorithms|does not support object format|object format .* does not match|unsupported object format/i,
    code: "object-format-mismatch",
    message:
      "The remote uses another object format (SHA-1 or SHA-256) than this repository. Mirror it into a repository of the same format.",
  },
  {
    pattern: /not our ref|request for unadvertised object|couldn't find remote ref|no such remote ref/,
    code: "remote-lacks-object",
    message:
      "The remote does not have an object that one of its refs leads to: it was changed meanwhile, or the ref is broken there. The next update looks again.",
  },
  {
    pattern: /possible repository corruption on the remote side|upload-pack: git-pack-objects died/,
    isOfRemote: true,
    code: "repository-corrupt",
    message:
      "The remote's repository is damaged: git gave up there while it packed what was asked for. Run `git fsck` on the remote repository.",
  },
  {
    pattern: new RegExp(
      `${BROKEN_OWN_REF.source}|pack-objects died|^fatal: unable to read [0-9a-f]{40}`,
      "m",
    ),
    code: "repository-corrupt",
    message: OWN_DAMAGE,
  },
  {
    pattern: /source repository is shallow/,
    code: "repository-corrupt",
    message:
      "The remote is a shallow clone: parts of its history are missing. Mirror from a complete repository.",
  },
  {
    pattern:
      /did not send all necessary objects|pack is corrupted|pack has bad object|inflate returned|fsck error|object corrupt or missing|index-pack died of signal|unpack-objects died|write stream object \d+ != \d+/,
    code: "repository-corrupt",
    message:
      "The remote sent objects that are broken or incomplete. Nothing was changed here; run `git fsck` on the remote repository.",
  },
  {
    pattern:
      /Authentication failed|terminal prompts disabled|could not read (Username|Password)|returned error: 401/,
    code: "remote-credential",
    message:
      "The remote refused the user name and password, or asks for some and there are none. Set valid ones, with the right to this repository.",
  },
  {
    pattern: /returned error: 403|Permission to .* denied|service not enabled/,
    code: "remote-forbidden",
    message:
      "The remote knows us and forbids this (403). Check what the account or token may do, and whether the repository is archived or read-only.",
  },
  {
    pattern: /returned error: 30\d|unable to update url base from redirection/,
    code: "remote-redirects",
    message:
      "The remote redirects to another URL, and redirects are not followed. Use the repository's final URL.",
  },
  {
    pattern:
      /repository '.*' not found|returned error: (404|410)|does not appear to be a git repository|access denied or repository not exported|Repository not found/,
    code: "remote-not-found",
    message:
      "There is no such repository at the remote, or these credentials may not see it. Check the URL and the credentials.",
  },
  {
    pattern: /returned error: (429|503)|Too Many Requests/,
    code: "remote-busy",
    message: "The remote is too busy to answer (429 or 503). It is tried again later.",
  },
  {
    pattern: /returned error: (504|408)|timed out|Operation too slow|Timeout was reached/i,
    code: "remote-timeout",
    message: "The remote did not answer in time. It is tried again later.",
  },
  {
    pattern: /returned error: 5\d\d/,
    code: "remote-unreachable",
    message: "The remote has an internal error (5xx). It is tried again later.",
  },
  {
    pattern:
      /Could not resolve host|unable to look up|Name or service not known|Temporary failure in name resolution/,
    code: "remote-unreachable",
    message: "The remote's host name cannot be resolved. Check the URL's host and this server's DNS.",
  },
  {
    pattern:
      /Connection refused|Couldn't connect to server|Failed to connect|Network is unreachable|No route to host|unable to connect to/,
    code: "remote-unreachable",
    message:
      "The remote cannot be reached. Check the URL's host and port, and that this server may connect there.",
  },
  ...TLS_WORDS.map(
    ([pattern, trouble]): Row => ({
      pattern,
      code: "remote-tls",
      message: tlsError(trouble, "the remote").message,
    }),
  ),
  {
    pattern: TLS_LINE,
    code: "remote-tls",
    message:
      "No secure connection: the remote's certificate is not trusted here, or its port does not speak TLS as it should. Check both.",
  },
  {
    pattern:
      /not valid: is this a git repository|invalid server response|bad line length|invalid content-type|returned error: 4\d\d/,
    code: "remote-not-git",
    message:
      "The remote answers, but not as a Git repository does: a web page, perhaps. Check the URL's path.",
  },
  {
    pattern:
      /early EOF|hung up|unexpected disconnect|transfer closed|Connection reset|Empty reply|Recv failure|Send failure|connection was non-properly terminated|curl (16|18|52|55|56|92)|expected flush after|Broken pipe|Could not read from remote repository/i,
    code: "remote-closed",
    message: "The remote closed the connection before everything was transferred. It is tried again later.",
  },
  {
    // Whatever else there is to say about a connection goes before: half a header is as bad as a wrong one.
    pattern: /bad pack header|bad band #|invalid length read|^fatal: invalid hash$/m,
    code: "remote-not-git",
    message:
      "The remote sent something else than the objects that it was asked for. Nothing was changed; the remote's server, or a proxy before it, is broken.",
  },
  {
    pattern:
      /bad object|is corrupt|loose object .* \(stored in|packfile .* (cannot be accessed|does not match)|missing (blob|tree|commit)|unable to read (tree|sha1)|not a git repository|bad (tree|signature)|unable to parse commit/i,
    code: "repository-corrupt",
    message: OWN_DAMAGE,
  },
];

/** By this it is not merely a warning. */
const FSCK_ENDED = /fsck error/;

/** How git names the object that it cannot find or read. */
const NAMED =
  /(?:not our ref|unable to read(?: tree| sha1)?|bad (?:tree )?object|missing (?:blob|tree|commit|object)|unable to parse commit|loose object) ([0-9a-f]{40,64})\b/;

/**
 * What git's standard error says went wrong, with the object that it says it of; null for lines that are not known.
 * What the remote says is judged only where its words are git's own.
 */
export function classifyStderr(stderr: string): StderrClass | null {
  const ours = linesOf(stderr)
    .filter((line) => !line.startsWith("remote: "))
    .join("\n");
  const refused = FSCK_ENDED.test(ours) ? describeFsckRefusal(ours) : null;
  if (refused !== null) {
    return {
      code: "fsck-refused",
      message: `The remote sent an object that the check of incoming objects refuses: ${refused}.`,
    };
  }
  const row = ROWS.find(({ pattern, isOfRemote }) => pattern.test(isOfRemote ? stderr : ours));
  if (row === undefined) return null;
  const isOfObjects = row.code === "repository-corrupt" || row.code === "remote-lacks-object";
  const oid = isOfObjects ? NAMED.exec(stderr)?.[1] : undefined;
  return { code: row.code, message: oid === undefined ? row.message : `${row.message} The object: ${oid}.` };
}

/** What git itself reports of its progress on the other side: `Counting objects: 100% (18/18), done.` */
const REMOTE_PROGRESS =
  /^(Enumerating|Counting|Compressing|Resolving|Finding|Writing|Unpacking|Checking|Total) .*\d/;

/** The lines that a server sent for people to read, as git shows them. */
export function remoteWords(stderr: string): readonly string[] {
  return linesOf(stderr)
    .filter((line) => line.startsWith("remote: "))
    .map((line) => line.slice("remote: ".length).trim())
    .filter((line) => !REMOTE_PROGRESS.test(line));
}

/** The lines that name the failure, for what is not known: git's `fatal:` and `error:` ones, else the last. */
export function failureLines(stderr: string): string {
  const lines = linesOf(stderr).filter((line) => line.trim() !== "");
  const named = lines.filter((line) => /^(fatal|error):/.test(line));
  return (named.length > 0 ? named : lines.slice(-1)).join("; ").slice(0, 500);
}

function linesOf(stderr: string): string[] {
  return stderr.split("\n");
}
