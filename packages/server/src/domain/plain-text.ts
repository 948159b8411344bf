/** All control characters but the end of a line and the tabulator. */
const CONTROLS = /(?![\n\t])\p{Cc}/gu;

/**
 * Outside text without what no reader needs and no store takes: PostgreSQL refuses a NUL in any text, and half of a
 * surrogate pair, as cutting a text to length leaves it, in JSON. Each of those becomes U+FFFD, control characters go.
 */
export function plainText(text: string): string {
  return text.replaceAll(CONTROLS, "").toWellFormed();
}

/**
 * The end of a text: at most `maxLength` characters, from the beginning of a line where one is left whole. What was cut
 * in the middle of a secret would not be known for one.
 */
export function lastLines(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const end = text.slice(-maxLength);
  const newline = text.at(-maxLength - 1) === "\n" ? -1 : end.indexOf("\n");
  return end.slice(newline + 1);
}
