import { HeliostatError } from "./errors.ts";

declare const brand: unique symbol;

/** A full object id, lower-case hexadecimal: 40 digits (SHA-1) or 64 (SHA-256). Only `parseOid` makes one. */
export type Oid = string & { readonly [brand]: "Oid" };

export type ObjectFormat = "sha1" | "sha256";

const NOT_HEX = /[^0-9a-f]/;
const ONLY_ZEROS = /^0+$/;

/** Takes the full lower-case hexadecimal form; refuses abbreviations and the null oid (`oid-invalid`). */
export function parseOid(text: string): Oid {
  // This is on the path of every ref of every check; length first and one negative class is the quickest form.
  const isOid = (text.length === 40 || text.length === 64) && !NOT_HEX.test(text);
  if (!isOid || (text.startsWith("00000000") && ONLY_ZEROS.test(text))) {
    throw new HeliostatError("oid-invalid", `not an object id: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text as Oid;
}

/** The object format that an oid's length tells. */
export function objectFormatOf(oid: Oid): ObjectFormat {
  return oid.length === 40 ? "sha1" : "sha256";
}

/** Git's word for "no object" in the given format: all zeros. */
export function nullOid(format: ObjectFormat): string {
  return "0".repeat(format === "sha1" ? 40 : 64);
}
