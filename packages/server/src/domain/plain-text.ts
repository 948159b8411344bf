/** All control characters but the end of a line and the tabulator. */
const CONTROLS = /(?![\n\t])\p{Cc}/gu;

/**
 * Outside text without what no reader needs and no store takes: PostgreSQL refuses a NUL in any text, and half of a
 * surrogate pair, as cutting a text to length leaves it, in JSON. Each of those becomes U+FFFD, control characters go.
 */
export function plainText(text: string): string {
  return text.replaceAll(CONTROLS, "").toWellFormed();
}
