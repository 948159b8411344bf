import type { Commit, Signature, SignatureKind, TagObject } from "../../app/ports.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";

const LINE_END = 0x0a;
const SIGNATURES: readonly (readonly [begin: string, kind: SignatureKind])[] = [
  ["-----BEGIN PGP SIGNATURE-----", "PGP"],
  ["-----BEGIN PGP MESSAGE-----", "PGP"],
  ["-----BEGIN SSH SIGNATURE-----", "SSH"],
  ["-----BEGIN SIGNED MESSAGE-----", "X509"],
];

/**
 * Reads a commit object; null when it is none that git would make. Text is decoded as the commit says; what is not so
 * encoded, as Latin-1, which any bytes are.
 */
export function parseCommit(oid: Oid, content: Buffer): Commit | null {
  const { headers, body } = split(content);
  const tree = headers.get("tree")?.[0]?.toString("latin1");
  const author = headers.get("author")?.[0];
  const committer = headers.get("committer")?.[0];
  if (tree === undefined || author === undefined || committer === undefined) return null;
  const decode = decoderFor(headers.get("encoding")?.[0]?.toString("latin1"));
  const signature = headers.get("gpgsig")?.[0] ?? headers.get("gpgsig-sha256")?.[0];
  return {
    oid,
    tree: parseOid(tree),
    parents: (headers.get("parent") ?? []).map((parent) => parseOid(parent.toString("latin1"))),
    author: parseSignature(decode(author)),
    committer: parseSignature(decode(committer)),
    message: decode(body),
    signature: signature === undefined ? null : kindOf(signature.toString("latin1")),
  };
}

/** Reads a tag object, with the oid of what it tags. */
export function parseTag(oid: Oid, content: Buffer): (TagObject & { readonly object: Oid }) | null {
  const { headers, body } = split(content);
  const object = headers.get("object")?.[0]?.toString("latin1");
  if (object === undefined) return null;
  const decode = decoderFor(headers.get("encoding")?.[0]?.toString("latin1"));
  const tagger = headers.get("tagger")?.[0];
  const text = decode(body);
  // The signature stands behind the message, at the beginning of a line.
  const found = SIGNATURES.map(([begin, kind]) => ({ at: `\n${text}`.indexOf(`\n${begin}`), kind })).find(
    ({ at }) => at !== -1,
  );
  return {
    oid,
    object: parseOid(object),
    tagger: tagger === undefined ? null : parseSignature(decode(tagger)),
    message: found === undefined ? text : text.slice(0, found.at),
    signature: found?.kind ?? null,
  };
}

export interface RawTreeEntry {
  readonly oid: Oid;
  /** Bytes as Latin-1: names need not be UTF-8, and two of them must not become one. */
  readonly rawName: string;
  readonly name: string;
  readonly type: "tree" | "blob" | "commit";
  readonly mode: string;
}

const MODE_OF_SUBMODULE = "160000";
const MODE_OF_TREE = "040000";

/** Reads a tree object, in git's order. `<mode> <name>NUL<oid in bytes>`; stops where it is no tree any more. */
export function parseTree(content: Buffer, oidBytes: number): RawTreeEntry[] {
  const entries: RawTreeEntry[] = [];
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const zero = space === -1 ? -1 : content.indexOf(0, space);
    if (zero === -1 || zero + oidBytes >= content.length) break;
    const mode = content.toString("latin1", at, space).padStart(6, "0");
    const name = content.toString("utf8", space + 1, zero);
    const rawName = content.toString("latin1", space + 1, zero);
    at = zero + 1 + oidBytes;
    const oid = content.toString("hex", zero + 1, at);
    const type = mode === MODE_OF_TREE ? "tree" : mode === MODE_OF_SUBMODULE ? "commit" : "blob";
    entries.push({ oid: oid as Oid, rawName, name, type, mode });
  }
  return entries;
}

/** The header lines by their key, lines that continue one joined to it, and what follows the first empty line. */
function split(content: Buffer): { headers: Map<string, Buffer[]>; body: Buffer } {
  const headers = new Map<string, Buffer[]>();
  let last: Buffer[] | null = null;
  let at = 0;
  while (at < content.length) {
    const found = content.indexOf(LINE_END, at);
    const end = found === -1 ? content.length : found;
    if (end === at) return { headers, body: content.subarray(end + 1) };
    const line = content.subarray(at, end);
    at = end + 1;
    if (line[0] === 0x20 && last !== null) {
      last.push(Buffer.concat([last.pop() ?? Buffer.alloc(0), Buffer.from("\n"), line.subarray(1)]));
      continue;
    }
    const space = line.indexOf(0x20);
    const key = line.toString("latin1", 0, space === -1 ? line.length : space);
    const values = headers.get(key) ?? [];
    values.push(line.subarray(key.length + 1));
    headers.set(key, values);
    last = values;
  }
  return { headers, body: Buffer.alloc(0) };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoderFor(label: string | undefined): (bytes: Buffer) => string {
  let named: TextDecoder | null = null;
  if (label !== undefined && !/^utf-?8$/i.test(label)) {
    try {
      named = new TextDecoder(label);
    } catch {
      // An encoding that nobody knows.
    }
  }
  return (bytes) => {
    if (named !== null) return named.decode(bytes);
    try {
      return utf8.decode(bytes);
    } catch {
      return bytes.toString("latin1");
    }
  };
}

/** `Name <address> seconds ±hhmm`; parts that are not there, or are nonsense, read as nothing. */
export function parseSignature(line: string): Signature {
  const close = line.lastIndexOf(">");
  const open = line.lastIndexOf("<", close);
  const name = (open === -1 ? line : line.slice(0, open)).trim();
  const email = open === -1 ? "" : line.slice(open + 1, close);
  const [, seconds = "0", sign = "+", hours = "0", minutes = "0"] =
    /^ *(-?\d{1,12})(?: ([+-])(\d\d)(\d\d))?/.exec(line.slice(close + 1)) ?? [];
  const zone = Number(hours) * 60 + Number(minutes);
  return {
    name,
    email,
    seconds: Number(seconds),
    // No place on Earth is further away; such a zone comes of a broken clock.
    zoneMinutes: zone >= 24 * 60 ? 0 : sign === "-" ? -zone : zone,
  };
}

function kindOf(signature: string): SignatureKind | null {
  return SIGNATURES.find(([begin]) => signature.startsWith(begin))?.[1] ?? null;
}
