import type { CredentialKind } from "@heliostat/contract";
import { invalidField } from "../../domain/errors.ts";
import { readSshPrivateKey } from "../../domain/ssh-private-key.ts";
import { refuseLongCredential } from "../mirrors/check-credential.ts";
import type { CredentialSecret, Ports } from "../ports.ts";
import type { SecretDraft } from "./credential-use-cases.ts";

/** The secret that a draft gives or asks for; `model-invalid` where it fits its kind not at all. */
export async function readSecretDraft(
  ports: Pick<Ports, "keyPairs">,
  kind: CredentialKind,
  draft: SecretDraft,
  name: string,
): Promise<CredentialSecret> {
  const { password, privateKey, keyType } = draft;
  if (kind === "password") {
    if (privateKey || keyType) throw invalidField("private_key", "is for credentials of the kind ssh_key");
    if (!password) throw invalidField("password", "can't be blank");
    refuseLongCredential({ password });
    return { password };
  }
  if (password) throw invalidField("password", "is for credentials of the kind password");
  const comment = `heliostat ${name}`.replaceAll(/[\p{Cc}\s]+/gu, "-");
  if (!privateKey) return { keyPair: await ports.keyPairs.make(keyType ?? "ed25519", comment) };
  if (keyType)
    throw invalidField("key_type", "is for a key pair that is made here, not for one that is given");
  return { keyPair: readSshPrivateKey(privateKey, comment) };
}
