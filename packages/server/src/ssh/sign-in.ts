import type { AuthContext, Connection, PublicKeyAuthContext } from "ssh2";
import { fingerprintSha256, readSshPublicKey } from "../domain/ssh-public-key.ts";
import { readStrings } from "../domain/ssh-wire.ts";
import type { Origin } from "../domain/user.ts";
import { loadSsh2 } from "../load-ssh2.ts";
import type { SshDoor } from "./ssh-door.ts";

/** Everybody comes as this user: the key says who they are. */
const USER = "git";
const METHODS = ["publickey" as const];

/**
 * Lets in whoever shows a key that the use cases know, and refuses everybody else in the same way. Calls back with the
 * fingerprint of the key, at most once, before the client learns that it is in.
 */
export function signIn(
  door: SshDoor,
  client: Connection,
  from: Origin,
  onSignedIn: (fingerprint: string) => void,
): void {
  let tries = 0;
  const refuse = (context: AuthContext): void => {
    if (context.method === "publickey") tries += 1;
    if (tries >= door.limits.keyTries) client.end();
    else context.reject(METHODS);
  };
  client.on("authentication", (context) => {
    // Clients ask for `none` first, to learn what there is.
    if (context.method !== "publickey") return refuse(context);
    judge(door, context, from).then(
      (fingerprint) => {
        if (fingerprint === null) return refuse(context);
        if (context.signature !== undefined) onSignedIn(fingerprint);
        context.accept();
      },
      (error: unknown) => {
        door.log.error({ err: error }, "an SSH key could not be judged");
        client.end();
      },
    );
  });
}

/** The fingerprint of a key that lets its owner in, shown or proved; else null. */
async function judge(door: SshDoor, context: PublicKeyAuthContext, from: Origin): Promise<string | null> {
  const { key: offered, signature, blob, hashAlgo } = context;
  const algorithm = readStrings(offered.data, 0, 1)?.values[0]?.toString("latin1") ?? "";
  const key = offered.data.toString("base64");
  // The signature of RSA with SHA-1 is the one without a name for its hash.
  const isWeak = algorithm === "ssh-rsa" && hashAlgo === undefined;
  if (context.username !== USER || offered.algo !== algorithm || isWeak) return null;
  if (readSshPublicKey({ algorithm, key }) === null) return null;
  const fingerprint = fingerprintSha256(key);
  const caller = await door.useCases.authenticateSshKey(fingerprint, from);
  if (caller === null) return null;
  if (signature === undefined || blob === undefined) return fingerprint;
  const parsed = loadSsh2().utils.parseKey(`${algorithm} ${key}`);
  if (parsed instanceof Error || parsed.verify(blob, signature, hashAlgo) !== true) return null;
  await door.useCases.noteSshKeyUse(caller.keyId);
  return fingerprint;
}
