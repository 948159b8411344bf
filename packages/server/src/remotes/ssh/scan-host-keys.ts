import type { ScannedHostKey } from "../../app/ports.ts";
import { hostKeyTypesIn } from "./algorithms.ts";
import type { Handshake, SshConnection } from "./ssh-connection.ts";

/** All host keys that a server shows: it is asked for each type that it offers by a handshake, and nobody signs in. */
export async function scanHostKeys(
  shake: (handshake: Handshake) => Promise<SshConnection>,
): Promise<readonly ScannedHostKey[]> {
  const found = new Map<string, ScannedHostKey>();
  const scan = async (algorithms: readonly string[]): Promise<readonly string[]> => {
    const connection = await shake({
      hostKeyAlgorithms: algorithms,
      stopsAfterKeyExchange: true,
      judge: (key) => {
        found.set(key.algorithm, { algorithm: key.algorithm, key: key.key });
        return null;
      },
    });
    return connection.lists?.hostKeys ?? [];
  };
  const offered = await scan([]);
  for (const type of hostKeyTypesIn(offered)) {
    const name =
      type.includes("ssh-rsa") || type.includes("rsa-sha2-512") || type.includes("rsa-sha2-256")
        ? "ssh-rsa"
        : type[0];
    if (name !== undefined && !found.has(name)) await scan(type);
  }
  return [...found.values()];
}
