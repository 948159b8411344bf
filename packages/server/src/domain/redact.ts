import { findEncoded, type Range } from "./find-encoded.ts";
import { maskUserinfo } from "./remote-url.ts";

/** The part of any URL before its host. What it holds cannot reach past a `/`, so the scan is linear. */
const USERINFO = /:\/\/([^\s/?#]*)@/g;

/** Below this a secret is no secret, and masking it would eat ordinary words. */
const MIN_SECRET_LENGTH = 3;

/** Of a key or another text of many lines, what is shorter is a last line, and too little to be of use to anybody. */
const MIN_LINE_LENGTH = 16;

/** Of base64 that stands in the midst of other base64, as much as an ordinary word does not have. */
const MIN_CORE_LENGTH = 8;

/**
 * Makes outside text fit for logs, errors and answers: every occurrence of a secret becomes `*****`, whether it
 * stands as it is, percent-encoded in any way (as a form too), escaped as in JSON or HTML, in base64, alone or behind
 * something else (`user:secret` of Basic authentication), or in hexadecimal; of one with several lines, such as a
 * private key, each line that says something, and all of them as one. Then `user:password@` in any URL becomes
 * `*****:*****@`. Secrets of less than three characters are masked inside URLs only. Never throws, however long the
 * secrets are.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return createRedactor(secrets)(text);
}

/** `redact` for many texts: what is to be looked for is put together once. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const whole = secrets.filter((secret) => secret.length >= MIN_SECRET_LENGTH);
  const plain = [...whole, ...whole.flatMap(linesOf), ...whole.flatMap(hexOf)];
  const base64 = whole.flatMap(base64Of);
  const cores = whole.flatMap(base64CoresOf);
  return (text) => {
    const ranges = [
      ...findEncoded(text, plain),
      ...findEncoded(text, base64).map((range) => withPadding(text, range)),
      ...findEncoded(text, cores).map((range) => withEnds(text, range)),
    ];
    return mask(text, ranges).replaceAll(USERINFO, (_match, userinfo: string) => `://${maskText(userinfo)}`);
  };
}

/** All lines as one, and each of those that say something. The frame of a key in PEM form is no secret. */
function linesOf(secret: string): readonly string[] {
  if (!/[\r\n]/.test(secret)) return [];
  const lines = secret.split(/[\r\n]+/).filter((line) => !line.startsWith("-----"));
  return [lines.join(""), ...lines].filter((line) => line.length >= MIN_LINE_LENGTH);
}

/** A secret that contains another one is hidden as a whole: where ranges overlap, they are one. */
function mask(text: string, ranges: readonly Range[]): string {
  const parts: string[] = [];
  let hiddenTo = 0;
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    if (from >= hiddenTo) parts.push(text.slice(hiddenTo, from), "*****");
    hiddenTo = Math.max(hiddenTo, to);
  }
  return [...parts, text.slice(hiddenTo)].join("");
}

function maskText(userinfo: string): string {
  const [username = "", password = ""] = userinfo.split(/:(.*)/s);
  return maskUserinfo(username, password !== "") || "@";
}

function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  return [bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url")];
}

/** What is the same in base64 of whatever one or two bytes stand before the secret, and however much behind it. */
function base64CoresOf(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  return [0, 1, 2]
    .map((before) => {
      const encoded = Buffer.concat([Buffer.alloc(before), bytes])
        .toString("base64")
        .replace(/=+$/, "");
      return encoded.slice(before === 0 ? 0 : before + 1, (before + bytes.length) % 3 === 0 ? undefined : -1);
    })
    .filter((core) => core.length >= MIN_CORE_LENGTH)
    .flatMap((core) => [core, core.replaceAll("+", "-").replaceAll("/", "_")]);
}

function hexOf(secret: string): string[] {
  const hex = Buffer.from(secret, "utf8").toString("hex");
  return hex.length < MIN_CORE_LENGTH ? [] : [hex, hex.toUpperCase()];
}

/** Base64 may end with up to two `=`, or their encoded forms. */
function withPadding(text: string, [from, to]: Range): Range {
  const [padding = ""] = /^(?:=|%3d){0,2}/i.exec(text.slice(to, to + 6)) ?? [];
  return [from, to + padding.length];
}

/** The characters at either end hold bits of the secret, and bits of what stands beside it. */
function withEnds(text: string, [from, to]: Range): Range {
  const isBase64 = (at: number) => /[\w+/-]/.test(text.charAt(at));
  return withPadding(text, [isBase64(from - 1) ? from - 1 : from, isBase64(to) ? to + 1 : to]);
}
