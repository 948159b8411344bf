import { findEncoded, type Range } from "./find-encoded.ts";
import { maskUserinfo } from "./remote-url.ts";

/** The part of any URL before its host. What it holds cannot reach past a `/`, so the scan is linear. */
const USERINFO = /:\/\/([^\s/?#]*)@/g;

/** Below this a secret is no secret, and masking it would eat ordinary words. */
const MIN_SECRET_LENGTH = 3;

/**
 * Makes outside text fit for logs, errors and answers: every occurrence of a secret becomes `*****`, whether it
 * stands as it is, percent-encoded in any way (as a form too), escaped as in JSON or HTML, or in base64; then
 * `user:password@` in any URL becomes `*****:*****@`. A Basic value is found when the caller passes `user:password` as
 * one more secret. Secrets of less than three characters are masked inside URLs only. Never throws, however long the
 * secrets are.
 */
export function redact(text: string, secrets: readonly string[]): string {
  const long = secrets.filter((secret) => secret.length >= MIN_SECRET_LENGTH);
  const encoded = long.flatMap(base64Of);
  const padded = findEncoded(text, encoded).map((range) => withPadding(text, range));
  const hidden = mask(text, [...findEncoded(text, long), ...padded]);
  return hidden.replaceAll(USERINFO, (_match, userinfo: string) => `://${maskText(userinfo)}`);
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

/** Base64 may end with up to two `=`, or their encoded forms. */
function withPadding(text: string, [from, to]: Range): Range {
  const [padding = ""] = /^(?:=|%3d){0,2}/i.exec(text.slice(to, to + 6)) ?? [];
  return [from, to + padding.length];
}
