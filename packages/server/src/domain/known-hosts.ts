import { createHmac } from "node:crypto";
import {
  fingerprintMd5,
  fingerprintSha256,
  readSshPublicKey,
  type SshKeyType,
  type SshPublicKey,
} from "./ssh-public-key.ts";

/** Where an SSH server is: the name as the URL has it, an IPv6 address without brackets. */
export interface SshPlace {
  readonly host: string;
  readonly port: number;
}

export type HostKeyVerdict =
  | { readonly kind: "match" }
  /** No key is stored for this place. */
  | { readonly kind: "missing" }
  | { readonly kind: "changed"; readonly expected: readonly SshPublicKey[] }
  | { readonly kind: "revoked" };

/** A key as GitLab's answers show it. */
export interface HostKeyFingerprint {
  readonly bits: number;
  /** MD5, with colons. */
  readonly fingerprint: string;
  readonly fingerprint_sha256: string;
  readonly type: SshKeyType;
  /** Its line, counted from 0. */
  readonly index: number;
}

interface KnownHostsLine extends SshPublicKey {
  /**
   * Null for the keys of hosts. `@cert-authority` stands before a key that signs certificates of hosts, which are not
   * spoken here: such a line is never used, and one with an unknown marker is not either.
   */
  readonly marker: string | null;
  /** Names and patterns with commas between, or one hashed name. */
  readonly hosts: string;
}

const DEFAULT_PORT = 22;
const HASHED = /^\|1\|([A-Za-z0-9+/]{27}=)\|([A-Za-z0-9+/]{27}=)$/;

/** The signatures that a key of this type makes, the order as OpenSSH prefers them. */
const SIGNATURES: readonly (readonly [algorithm: string, signatures: readonly string[]])[] = [
  ["ssh-ed25519", ["ssh-ed25519"]],
  ["ecdsa-sha2-nistp256", ["ecdsa-sha2-nistp256"]],
  ["ecdsa-sha2-nistp384", ["ecdsa-sha2-nistp384"]],
  ["ecdsa-sha2-nistp521", ["ecdsa-sha2-nistp521"]],
  ["ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]],
  ["ssh-dss", ["ssh-dss"]],
];

/**
 * Whether the key that a server shows is one that is stored for it. Lines are read as OpenSSH reads them: patterns,
 * negation, hashed names, `@revoked`; a line without a key matches nothing. Where no line names a port other than 22
 * (`[host]:port`), those that name the host alone count.
 *
 * Deviation from ssh: it takes another key than theirs for one of a server that is not known. Here it has changed, so
 * that people see what was expected; neither is let in.
 */
export function judgeHostKey(knownHosts: string, place: SshPlace, shown: SshPublicKey): HostKeyVerdict {
  const verdict = judgeByName(knownHosts, place, shown);
  if (verdict.kind !== "missing" || place.port === DEFAULT_PORT) return verdict;
  return judgeByName(knownHosts, { ...place, port: DEFAULT_PORT }, shown);
}

function judgeByName(knownHosts: string, place: SshPlace, shown: SshPublicKey): HostKeyVerdict {
  const lines = linesFor(knownHosts, place);
  if (lines.some(({ marker, key }) => marker === "@revoked" && key === shown.key)) return { kind: "revoked" };
  const expected = lines.filter(({ marker }) => marker === null);
  if (expected.length === 0) return { kind: "missing" };
  if (expected.some(({ key }) => key === shown.key)) return { kind: "match" };
  return { kind: "changed", expected: expected.map(({ algorithm, key }) => ({ algorithm, key })) };
}

/**
 * The signature algorithms to ask this server for first: with another one it would show a key that is not stored. Empty
 * when none is stored.
 */
export function hostKeyAlgorithmsFor(knownHosts: string, place: SshPlace): readonly string[] {
  const algorithmsOf = (port: number) =>
    linesFor(knownHosts, { ...place, port }).flatMap(({ marker, algorithm }) =>
      marker === null ? [algorithm] : [],
    );
  const named = algorithmsOf(place.port);
  const stored = new Set(named.length > 0 ? named : algorithmsOf(DEFAULT_PORT));
  return SIGNATURES.flatMap(([algorithm, signatures]) => (stored.has(algorithm) ? signatures : []));
}

/** The keys in this text, without those of marked lines; what is no key is passed over, but counts as a line. */
export function describeKeys(knownHosts: string): readonly HostKeyFingerprint[] {
  return knownHosts.split("\n").flatMap((text, index) => {
    const line = parseLine(text);
    const facts = line === null || line.marker !== null ? null : readSshPublicKey(line);
    if (line === null || facts === null) return [];
    return [
      {
        bits: facts.bits,
        fingerprint: fingerprintMd5(line.key),
        fingerprint_sha256: fingerprintSha256(line.key),
        type: facts.type,
        index,
      },
    ];
  });
}

/** A line that makes this key known for this server. */
export function formatKnownHost(place: SshPlace, { algorithm, key }: SshPublicKey): string {
  return `${nameOf(place)} ${algorithm} ${key}`;
}

/** Without comments, blank lines and repetitions, in order of the alphabet; no line end after the last. */
export function cleanKnownHosts(knownHosts: string): string {
  const lines = knownHosts.split("\n").map((line) => line.trim());
  return [...new Set(lines)]
    .filter((line) => line !== "" && !line.startsWith("#"))
    .sort()
    .join("\n");
}

/** Whether two texts hold different lines, whatever their order, repetitions and comments. */
export function haveHostKeysChanged(before: string, after: string): boolean {
  return cleanKnownHosts(before) !== cleanKnownHosts(after);
}

/** The lines with a key that name this place. */
function linesFor(knownHosts: string, place: SshPlace): KnownHostsLine[] {
  const name = toLowerCase(nameOf(place));
  return knownHosts.split("\n").flatMap((text) => {
    const line = parseLine(text);
    return line !== null && namesHost(line.hosts, name) && readSshPublicKey(line) !== null ? [line] : [];
  });
}

/** The parts of a line, whose key was not looked at yet; null for comments and what has too few parts. */
function parseLine(text: string): KnownHostsLine | null {
  const words = text.trim().split(/[ \t]+/, 4);
  const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
  const [hosts = "", algorithm, key] = words;
  if (algorithm === undefined || key === undefined || hosts.startsWith("#")) return null;
  return { marker: marker ?? null, hosts, algorithm, key };
}

/** How lines name a place. */
function nameOf({ host, port }: SshPlace): string {
  return port === DEFAULT_PORT ? host : `[${host}]:${port}`;
}

/** Of ASCII only: a letter that merely becomes an ASCII one would name another host. */
function toLowerCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function namesHost(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return isHashOf(hosts, name);
  let isNamed = false;
  for (const pattern of toLowerCase(hosts).split(",")) {
    if (!pattern.startsWith("!")) isNamed ||= matches(pattern, name);
    else if (matches(pattern.slice(1), name)) return false;
  }
  return isNamed;
}

function isHashOf(hashed: string, name: string): boolean {
  const [, salt, hash] = HASHED.exec(hashed) ?? [];
  if (salt === undefined || hash === undefined) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

/**
 * `*` is any run of characters, `?` is one. The last `*` takes what is needed, and no earlier one has to be tried again:
 * the time is at most the product of both lengths, for any pattern.
 */
function matches(pattern: string, name: string): boolean {
  let at = 0;
  let inName = 0;
  let star = -1;
  let takenTo = 0;
  while (inName < name.length) {
    if (pattern[at] === "*") {
      star = at++;
      takenTo = inName;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === name[inName])) {
      at++;
      inName++;
    } else if (star >= 0) {
      at = star + 1;
      inName = ++takenTo;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
