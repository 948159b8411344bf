/** The text in any of the API's error forms: `message` or `error`, plain, or lists by field; empty where there is none. */
export function errorText(body: unknown): string {
  if (typeof body === "string") return body;
  if (Array.isArray(body)) return body.map(errorText).join(", ");
  if (typeof body !== "object" || body === null) return "";
  if ("message" in body) return errorText(body.message);
  if ("error" in body) return errorText(body.error);
  return Object.entries(body)
    .map(([field, texts]) => (field === "base" ? errorText(texts) : `${field} ${errorText(texts)}`))
    .join("; ");
}
