import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

/** Objects by the numbers that they have in a pack. */
const TYPES = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;
const OFS_DELTA = 6;

export type ObjectType = keyof typeof TYPES;

/** A copy out of the base: at most 16 MiB less one byte at a time. */
export interface Copy {
  readonly offset: number;
  readonly size: number;
}

/** A pack as it is put together by hand, well formed or not. */
export interface PackFile {
  /** Adds an object and answers its oid. */
  add(type: ObjectType, content: Buffer): string;
  /** Adds what such a `add` has made of the content already: for content too large to be held. */
  addDeflated(type: ObjectType, size: number, deflated: Buffer): void;
  /** Adds a blob that these copies make of the object that was added as the `base`th, then some bytes of its own. */
  addDelta(base: number, baseSize: number, copies: readonly Copy[], own?: Buffer): void;
  /** The pack, by a count of objects that may be a lie. */
  finish(count?: number): Buffer;
}

/** An empty pack, to which objects are added that git itself would never write. */
export function createPackFile(): PackFile {
  const parts: Buffer[] = [];
  const offsets: number[] = [];
  let length = 12;
  const append = (...pieces: readonly Buffer[]): void => {
    offsets.push(length);
    for (const piece of pieces) {
      parts.push(piece);
      length += piece.length;
    }
  };
  return {
    add(type, content) {
      append(objectHead(TYPES[type], content.length), deflateSync(content));
      return oidOf(type, content);
    },
    addDeflated(type, size, deflated) {
      append(objectHead(TYPES[type], size), deflated);
    },
    addDelta(base, baseSize, copies, own = Buffer.alloc(0)) {
      const size = copies.reduce((sum, copy) => sum + copy.size, own.length);
      const delta = Buffer.concat([
        varint(baseSize),
        varint(size),
        ...copies.map(encodeCopy),
        ...(own.length === 0 ? [] : [Buffer.from([own.length]), own]),
      ]);
      const distance = length - (offsets[base] ?? 0);
      append(objectHead(OFS_DELTA, delta.length), encodeDistance(distance), deflateSync(delta));
    },
    finish(count = offsets.length) {
      const head = Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1");
      head.writeUInt32BE(count, 8);
      const pack = Buffer.concat([head, ...parts]);
      return Buffer.concat([pack, createHash("sha1").update(pack).digest()]);
    },
  };
}

/** The SHA-1 name of an object. */
export function oidOf(type: ObjectType, content: Buffer): string {
  return createHash("sha1").update(`${type} ${content.length}\0`).update(content).digest("hex");
}

/** A commit of a tree, without parents. */
export function commitOf(tree: string): Buffer {
  const who = "C O Mitter <committer@example.com> 1700000000 +0000";
  return Buffer.from(`tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nmessage\n`);
}

/** One entry of a tree; its mode as it stands there. */
export function treeEntry(mode: string, name: string, oid: string): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, "hex")]);
}

function objectHead(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let byte = (type << 4) | (size % 16);
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push(byte | 0x80);
    byte = rest % 128;
  }
  return Buffer.from([...bytes, byte]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function encodeCopy({ offset, size }: Copy): Buffer {
  const bytes = Buffer.alloc(8);
  bytes[0] = 0xff;
  bytes.writeUInt32LE(offset, 1);
  bytes.writeUIntLE(size, 5, 3);
  return bytes;
}

function encodeDistance(distance: number): Buffer {
  const bytes = [distance % 128];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1;
    bytes.unshift((rest % 128) | 0x80);
  }
  return Buffer.from(bytes);
}
