/** Where something stands in a text: from the first index to before the second. */
export type Range = readonly [from: number, to: number];

/** A way of writing text that outside programs use: what they write for which characters. */
interface Encoding {
  /** Everything that does not stand for itself. */
  readonly token: RegExp;
  decode(token: string): string;
  /** How a text that is sought reads once everything is decoded. */
  sought(text: string): readonly string[];
}

const NON_ASCII = /[^\0-\x7f]/gu;

/** In URLs and forms. On bytes, because a character of several bytes is encoded byte by byte. */
const PERCENT: Encoding = {
  token: /%[\da-f]{2}|\+|[^\0-\x7f]/giu,
  decode(token) {
    if (token === "+") return " ";
    return token.startsWith("%") ? String.fromCharCode(Number.parseInt(token.slice(1), 16)) : bytesOf(token);
  },
  // What an encoder left alone may look like something encoded.
  sought: (text) => [text.replaceAll(NON_ASCII, bytesOf), text.replaceAll(PERCENT.token, PERCENT.decode)],
};

const JSON_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

const JSON_STRING: Encoding = {
  token: /\\(?:u[\da-f]{4}|[^u])/gi,
  decode(token) {
    const escaped = token.slice(1);
    if (escaped.length > 1) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return JSON_ESCAPES[escaped] ?? escaped;
  },
  sought: (text) => [text],
};

const HTML_NAMES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const HTML: Encoding = {
  token: /&(?:#x[\da-f]{1,5}|#\d{1,6}|amp|lt|gt|quot|apos);/gi,
  decode(token) {
    const name = token.slice(1, -1).toLowerCase();
    const named = HTML_NAMES[name];
    if (named !== undefined) return named;
    return String.fromCodePoint(Number.parseInt(name.replace(/^#x?/, ""), name.startsWith("#x") ? 16 : 10));
  },
  sought: (text) => [text],
};

/**
 * Where one of these texts stands in the text, as it is or percent-encoded in any way (as a form too), escaped as in
 * JSON, or as in HTML. Decodes the text once for each encoding and searches it for each sought text, whose length does
 * not matter: no pattern is built of it. Ranges come in no order, and may overlap.
 */
export function findEncoded(text: string, sought: readonly string[]): Range[] {
  const found: Range[] = sought.flatMap((each) => findAll(text, each));
  for (const encoding of [PERCENT, JSON_STRING, HTML]) {
    const decoded = decode(text, encoding);
    if (decoded === null) continue;
    for (const each of new Set(sought.flatMap(encoding.sought))) {
      for (const [from, to] of findAll(decoded.text, each)) {
        found.push([decoded.starts[from] ?? 0, decoded.ends[to - 1] ?? text.length]);
      }
    }
  }
  return found;
}

function findAll(text: string, sought: string): Range[] {
  const found: Range[] = [];
  if (sought === "") return found;
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length)) {
    found.push([at, at + sought.length]);
  }
  return found;
}

interface Decoded {
  readonly text: string;
  /** Of each of its characters, where what it was made of began and ended. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Null where nothing is encoded. */
function decode(text: string, { token, decode: decodeToken }: Encoding): Decoded | null {
  const parts: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  let done = 0;
  const takeUntil = (end: number): void => {
    parts.push(text.slice(done, end));
    for (; done < end; done += 1) {
      starts.push(done);
      ends.push(done + 1);
    }
  };
  for (const { 0: found, index } of text.matchAll(token)) {
    takeUntil(index);
    const decoded = decodeToken(found);
    parts.push(decoded);
    done = index + found.length;
    for (let i = 0; i < decoded.length; i += 1) {
      starts.push(index);
      ends.push(done);
    }
  }
  if (parts.length === 0) return null;
  takeUntil(text.length);
  return { text: parts.join(""), starts, ends };
}

/** Its bytes in UTF-8, each as one character. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
