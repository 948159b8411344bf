import { HeliostatError } from "./errors.ts";

declare const brand: unique symbol;

/** A full ref name such as `refs/heads/main`, valid by git-check-ref-format. Only `parseRefName` makes one. */
export type RefName = string & { readonly [brand]: "RefName" };

/** Takes a full name below `refs/`; refuses what git refuses (`ref-name-invalid`). */
export function parseRefName(_text: string): RefName {
  throw new HeliostatError("bug", "not written yet");
}
