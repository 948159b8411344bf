import { generateKeyPair, randomUUID } from "node:crypto";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { OwnHostKey } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { readSshPrivateKey, type SshKeyPair, writeSshKeyPair } from "../domain/ssh-private-key.ts";
import { fingerprintSha256 } from "../domain/ssh-public-key.ts";

/** A host key with its secret half. */
export interface HostKey extends OwnHostKey {
  readonly privateKey: string;
}

const RSA_BITS = 3072;
const generate = promisify(generateKeyPair);

const MAKERS = {
  ssh_host_ed25519_key: () => generate("ed25519"),
  ssh_host_rsa_key: () => generate("rsa", { modulusLength: RSA_BITS }),
} as const;

/**
 * The host keys in this directory, those that are missing made: the same for all nodes that share it, for ever, because
 * clients remember them. `config-invalid` when a file cannot be used.
 */
export async function openHostKeys(directory: string): Promise<readonly HostKey[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return await Promise.all(
    Object.entries(MAKERS).map(async ([name, make]) => {
      const path = join(directory, name);
      const text = (await readIfThere(path)) ?? (await makeOnce(path, make));
      const { publicKey, privateKey, bits } = read(path, text);
      const [algorithm = "", key = ""] = publicKey.split(" ");
      return { algorithm, key, bits, fingerprintSha256: fingerprintSha256(key), privateKey };
    }),
  );
}

async function makeOnce(path: string, make: (typeof MAKERS)[keyof typeof MAKERS]): Promise<string> {
  const { privateKey } = writeSshKeyPair((await make()).privateKey, "");
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, privateKey, { mode: 0o600, flush: true });
  try {
    // Unlike a rename it leaves alone what another node has put there meanwhile.
    await link(mine, path);
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
  } finally {
    await unlink(mine);
  }
  return await readFile(path, "utf8");
}

function read(path: string, text: string): SshKeyPair {
  try {
    return readSshPrivateKey(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HeliostatError(
      "config-invalid",
      `The SSH host key ${path} cannot be used: ${reason} Restore it from a backup. If there is none, remove the file: another key is made, and every client warns of it.`,
      { cause: error },
    );
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return null;
    throw new HeliostatError("config-invalid", `The SSH host key ${path} cannot be read: ${String(error)}`, {
      cause: error,
    });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
