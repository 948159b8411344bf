import { HeliostatError } from "./errors.ts";
import { formatKnownHost } from "./known-hosts.ts";
import { cutSshPublicKey, type SshPublicKey } from "./ssh-public-key.ts";

const MAX_HOST_KEYS = 10;

/** The first word that is a type of key. */
const KEY_TYPE = /(?:^|[ \t])(ssh-ed25519|ssh-rsa|ssh-dss|ecdsa-sha2-nistp(?:256|384|521))[ \t]/;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

interface HostKeyEntry extends SshPublicKey {
  /** With a marker in front, if there was one; empty before a bare key. */
  readonly hosts: string;
  readonly comment: string;
}

/**
 * Reads GitLab's parameter `host_keys` into text in known_hosts form. Each is a line of known_hosts (or several), or
 * `type base64` alone, which gets the host of the URL in front (null: the URL has none). Spaces in base64 become `+`
 * again, which a form turns into spaces. An empty list gives an empty text. Throws `model-invalid` with GitLab's
 * messages; what a person may take for a public key by mistake is not repeated.
 */
export function readHostKeyParameters(
  keys: readonly string[],
  { host, port }: { readonly host: string | null; readonly port: number },
): { readonly knownHosts: string } {
  const given = keys.flatMap(linesOf);
  if (given.length > MAX_HOST_KEYS) throw invalid(`too many host keys (maximum is ${MAX_HOST_KEYS})`);
  const wrong: string[] = [];
  const entries: HostKeyEntry[] = [];
  for (const text of given) {
    const entry = readEntry(text);
    if (entry === null) wrong.push(text.trim());
    else entries.push(entry);
  }
  if (wrong.length > 0) throw invalid(wrong.join(", "));
  const lines = entries.map((entry) => {
    const line = formatEntry(entry, host, port);
    return entry.comment === "" ? line : `${line} ${entry.comment}`;
  });
  return { knownHosts: lines.join("\n") };
}

function linesOf(text: string): string[] {
  if (PRIVATE_KEY.test(text)) return ["*****"];
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/** Null when it is no key. Spaces at its end are looked at too: they may be the end of the key. */
function readEntry(text: string): HostKeyEntry | null {
  const found = KEY_TYPE.exec(text);
  const [all = "", algorithm = ""] = found ?? [];
  if (found === null) return null;
  const hosts = readHosts(text.slice(0, found.index).trim());
  const rest = text.slice(found.index + all.length).trimStart();
  const cut = cutSshPublicKey(algorithm, rest.replaceAll(" ", "+"));
  if (hosts === null || cut === null) return null;
  const after = rest.slice(cut.key.length);
  return /^\S/.test(after) ? null : { hosts, algorithm, key: cut.key, comment: after.trim() };
}

/** The host field as it is stored, or null when there is more, or a comment. */
function readHosts(text: string): string | null {
  const [, marker = "", hosts = ""] = /^(@revoked[ \t]+|@cert-authority[ \t]+|)(.*)$/.exec(text) ?? [];
  const whole = hosts.startsWith("|1|") ? hosts.replaceAll(" ", "+") : hosts;
  if (/^[#@]|[ \t]/.test(whole)) return null;
  return marker.trim() === "" ? whole : `${marker.trim()} ${whole}`;
}

function formatEntry(entry: HostKeyEntry, host: string | null, port: number): string {
  if (entry.hosts !== "") return `${entry.hosts} ${entry.algorithm} ${entry.key}`;
  if (host === null || host === "") throw invalid("cannot determine hostname from URL for bare key");
  return formatKnownHost({ host, port }, entry);
}

function invalid(reason: string): HeliostatError {
  return new HeliostatError("model-invalid", `Invalid SSH host key(s): ${reason}`);
}
