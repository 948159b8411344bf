import type { AuthMethod, SshKeyType } from "@heliostat/contract";
import { HeliostatError, invalidField } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { readSshPrivateKey } from "../../domain/ssh-private-key.ts";
import type { KeyPairs, SshKeyPair } from "../ports.ts";
import type { MirrorSettings } from "../use-cases.ts";

/** What becomes of a mirror's key pair: it stays, goes, or another one takes its place. */
export type KeyPairChange = "keep" | "drop" | "make" | "take";

type KeySettings = Pick<MirrorSettings, "authMethod" | "privateKey" | "regeneratesKeyPair" | "sshKeyType">;

/** How it signs in after this save: who brings a key wants it used. */
export function authMethodAfter(
  stored: Pick<Mirror, "authMethod"> | null,
  { authMethod, privateKey }: KeySettings,
): AuthMethod {
  return authMethod ?? (privateKey ? "ssh_public_key" : (stored?.authMethod ?? "password"));
}

/**
 * What a save does to the key pair of a mirror. It survives everything but the wish for another one and what `dropsKey`
 * stands for: another host, a pull mirror that is switched off. One that is to sign in with a key and has none gets one,
 * for an URL that is not SSH too, as in GitLab. The key pair of a named credential is not the mirror's to change
 * (`model-invalid`), and is none of its own once it no longer uses that.
 */
export function keyPairChange(
  stored: Pick<Mirror, "authMethod" | "publicKey" | "credential"> | null,
  settings: KeySettings,
  {
    dropsKey,
    isOff,
    usesNamed,
  }: {
    readonly dropsKey: boolean;
    readonly isOff: boolean;
    /** After the save. */
    readonly usesNamed: boolean;
  },
): KeyPairChange {
  if (usesNamed) {
    if (settings.privateKey) throw ofNamed("ssh_private_key");
    if (settings.regeneratesKeyPair) throw ofNamed("regenerate_ssh_private_key");
    return "keep";
  }
  if (settings.privateKey) return "take";
  if (settings.regeneratesKeyPair) return "make";
  const hasKey = stored !== null && stored.publicKey !== null && stored.credential === null && !dropsKey;
  const needsKey = authMethodAfter(stored, settings) === "ssh_public_key" && !isOff;
  if (needsKey && !hasKey) return "make";
  return dropsKey ? "drop" : "keep";
}

function ofNamed(field: string): HeliostatError {
  return invalidField(
    field,
    "is for a key pair of the mirror's own: this one uses a named credential, which is rotated instead",
  );
}

/** The key pair that this change brings; null: none. Reads or makes it, which takes a second or two for RSA. */
export async function prepareKeyPair(
  ports: { readonly instance: { readonly externalUrl: string }; readonly keyPairs: KeyPairs },
  change: KeyPairChange,
  stored: Pick<Mirror, "publicKey"> | null,
  settings: KeySettings,
): Promise<SshKeyPair | null> {
  // As GitLab does, so that people who find it among a host's authorized keys know what put it there.
  const comment = `git@${new URL(ports.instance.externalUrl).hostname}`;
  if (change === "make") return await ports.keyPairs.make(typeToMake(stored, settings), comment);
  if (change !== "take") return null;
  try {
    return readSshPrivateKey(settings.privateKey ?? "", comment);
  } catch (error) {
    if (!(error instanceof HeliostatError) || error.fields !== undefined) throw error;
    throw new HeliostatError("model-invalid", error.message, {
      fields: { ssh_private_key: [error.message] },
    });
  }
}

/** The one that is asked for, else the type of the one before. */
function typeToMake(stored: Pick<Mirror, "publicKey"> | null, { sshKeyType }: KeySettings): SshKeyType {
  if (sshKeyType !== undefined) return sshKeyType;
  return stored?.publicKey?.startsWith("ssh-rsa ") ? "rsa" : "ed25519";
}
