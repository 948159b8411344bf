import { maskUserinfo } from "./remote-url.ts";

/** The part of any URL before its host. What it holds cannot reach past a `/`, so the scan is linear. */
const USERINFO = /:\/\/([^\s/?#]*)@/g;

/** Below this a secret is no secret, and masking it would eat ordinary words. */
const MIN_SECRET_LENGTH = 3;

/**
 * Makes outside text fit for logs, errors and answers: every occurrence of a secret becomes `*****`, whether it
 * stands as it is, percent-encoded in any way (as a form too), or in base64; then `user:password@` in any URL
 * becomes `*****:*****@`. A Basic value is found when the caller passes `user:password` as one more secret.
 * Secrets of less than three characters are masked inside URLs only.
 */
export function redact(text: string, secrets: readonly string[]): string {
  const patterns = secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    // A secret that contains another one is to be found as a whole.
    .sort((a, b) => b.length - a.length)
    .flatMap((secret) => [encodingsOf(secret), ...base64Of(secret)]);
  const hidden = patterns.length === 0 ? text : text.replaceAll(new RegExp(patterns.join("|"), "g"), "*****");
  return hidden.replaceAll(USERINFO, (_match, userinfo: string) => `://${maskText(userinfo)}`);
}

function maskText(userinfo: string): string {
  const [username = "", password = ""] = userinfo.split(/:(.*)/s);
  return maskUserinfo(username, password !== "") || "@";
}

/** A pattern for each character as itself or percent-encoded: encoders differ in what they encode and in the case. */
function encodingsOf(secret: string): string {
  return Array.from(secret, (character) => {
    const encoded = Array.from(Buffer.from(character), (byte) => `%${anyCase(byte)}`).join("");
    return `(?:${RegExp.escape(character)}|${encoded}${character === " " ? "|\\+" : ""})`;
  }).join("");
}

function anyCase(byte: number): string {
  return byte
    .toString(16)
    .padStart(2, "0")
    .replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function base64Of(secret: string): string[] {
  const padded = Buffer.from(secret).toString("base64");
  const standard = RegExp.escape(padded.replace(/=+$/, ""));
  const urlSafe = RegExp.escape(Buffer.from(secret).toString("base64url"));
  return [`${standard}={0,2}`, `${urlSafe}`];
}
