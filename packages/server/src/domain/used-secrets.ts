import type { SecretKind } from "@heliostat/contract";
import type { Mirror } from "./mirror.ts";
import { schemeOf } from "./remote-url.ts";
import { usesSshKey } from "./ssh-remote.ts";

/**
 * Which of its stored secrets a mirror needs to reach its remote: what signs in, which is the password or the key pair,
 * never both; and by HTTPS the key of its client certificate. Others may lie beside them, and are not missed.
 */
export function usedSecrets(mirror: Pick<Mirror, "url" | "authMethod">): readonly SecretKind[] {
  const signsIn = usesSshKey(mirror) ? "ssh_key" : "password";
  return schemeOf(mirror.url) === "https" ? [signsIn, "client_key"] : [signsIn];
}

/** Those of a mirror's secrets that it needs and that no key is known for: they are to be given again. */
export function lostSecrets(
  { sealedSecrets }: Pick<Mirror, "sealedSecrets">,
  keys: { readonly isKnown: (id: string) => boolean },
): readonly SecretKind[] {
  return sealedSecrets.flatMap(({ kind, keyId }) => (keys.isKnown(keyId) ? [] : [kind]));
}
