import type { Connection, EncryptedPrivateKey, ParsedKey } from "ssh2";
import { HeliostatError } from "../domain/errors.ts";
import { loadSsh2 } from "../load-ssh2.ts";
import { KEY_SIGNATURES } from "./algorithms.ts";

/*
 * Where ssh2 offers SHA-1 whatever it is told. Both ways go through its insides, so each looks whether they are as they
 * were in 1.17, which package.json asks for, and says so if not.
 */

const SIGNATURES_OF_RSA = ["rsa-sha2-512", "rsa-sha2-256"] as const;
const EXT_INFO = 7;

/**
 * A private host key as the server takes it. For an RSA key ssh2 always offers SHA-1 too: as two keys, each with the
 * name of one signature as its type, it is offered with these alone.
 */
export function asHostKeys(privateKey: string): readonly EncryptedPrivateKey[] {
  const parsed = loadSsh2().utils.parseKey(privateKey);
  if (parsed instanceof Error)
    throw new HeliostatError("bug", "ssh2 cannot read the host key", { cause: parsed });
  if (parsed.type !== "ssh-rsa") return [{ key: parsed }];
  return SIGNATURES_OF_RSA.map((type) => ({
    key: Object.create(parsed, { type: { value: type, enumerable: true } }) as ParsedKey,
  }));
}

interface PacketWriter {
  readonly allocStart: number;
  alloc(size: number): Buffer;
  finalize(packet: Buffer, force?: boolean): Buffer;
}

/**
 * Has this client told what signatures we take: ssh2 tells it of `ssh-rsa` and `ssh-dss`, and loses one name for want of a
 * comma. To be called before the key exchange ends.
 */
export function tellKeySignatures(client: Connection): void {
  const packets = dig(client, "_protocol", "_packetRW");
  if (typeof packets !== "object" || packets === null) throw unknownVersion();
  const plain: unknown = Reflect.get(packets, "write");
  const property = { configurable: true, enumerable: true };
  Object.defineProperty(packets, "write", {
    ...property,
    get: () => plain,
    // The writer of what is encrypted, right before its first packet.
    set: (writer: unknown) => {
      Object.defineProperty(packets, "write", { ...property, value: writer, writable: true });
      if (!isPacketWriter(writer)) throw unknownVersion();
      replaceExtInfo(writer);
    },
  });
}

function replaceExtInfo(writer: PacketWriter): void {
  const finalize = writer.finalize.bind(writer);
  writer.finalize = (packet, force) => {
    writer.finalize = finalize;
    if (packet[writer.allocStart] !== EXT_INFO) return finalize(packet, force);
    const payload = extInfo();
    const own = writer.alloc(payload.length);
    own.set(payload, writer.allocStart);
    return finalize(own, force);
  };
}

function unknownVersion(): HeliostatError {
  return new HeliostatError("bug", "This ssh2 is not the version that is known here.");
}

function extInfo(): Buffer {
  const parts = [Buffer.from([EXT_INFO, 0, 0, 0, 1])];
  for (const text of ["server-sig-algs", KEY_SIGNATURES.join(",")]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    parts.push(length, Buffer.from(text));
  }
  return Buffer.concat(parts);
}

function dig(from: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (value, name) => (typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined),
    from,
  );
}

function isPacketWriter(value: unknown): value is PacketWriter {
  if (typeof value !== "object" || value === null) return false;
  return (
    Reflect.get(value, "allocStart") === 5 &&
    ["alloc", "finalize"].every((name) => typeof Reflect.get(value, name) === "function")
  );
}
