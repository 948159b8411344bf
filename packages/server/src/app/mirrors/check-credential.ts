import { invalidField } from "../../domain/errors.ts";
import type { RemoteCredential } from "../ports.ts";

/** Longer than any token; what is longer was pasted by mistake, and no web server takes such a header. */
const LONGEST_CREDENTIAL = 4096;

/** `model-invalid` for a user name or password of more than 4,096 characters, wherever it came from. */
export function refuseLongCredential(
  credential: { readonly [half in keyof RemoteCredential]?: string | null | undefined },
): void {
  const halves = { username: "auth_user", password: "auth_password" } as const;
  for (const half of ["username", "password"] as const) {
    if ((credential[half]?.length ?? 0) <= LONGEST_CREDENTIAL) continue;
    const field = halves[half];
    const complaint = `is too long (maximum is ${LONGEST_CREDENTIAL} characters)`;
    throw invalidField(field, complaint);
  }
}
