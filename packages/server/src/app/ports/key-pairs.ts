import type { SshKeyPair } from "../../domain/ssh-private-key.ts";

/** Makes the key pairs that mirrors show to their remotes. */
export interface KeyPairs {
  /** A new pair, RSA of 4096 bits. The comment, one line, ends the public key: `heliostat@git.example.com`. */
  make(type: "ed25519" | "rsa", comment: string): Promise<SshKeyPair>;
}
