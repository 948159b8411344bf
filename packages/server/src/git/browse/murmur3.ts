/** MurmurHash3 with 32 bits, as git's filters of changed paths take it; unsigned. */
export function murmur3(seed: number, bytes: Uint8Array): number {
  let hash = seed | 0;
  const blocks = bytes.length >>> 2;
  for (let i = 0; i < blocks; i += 1) {
    const at = i * 4;
    hash ^= mix(
      byteAt(bytes, at) |
        (byteAt(bytes, at + 1) << 8) |
        (byteAt(bytes, at + 2) << 16) |
        (byteAt(bytes, at + 3) << 24),
    );
    hash = (Math.imul(rotate(hash, 13), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let i = bytes.length - 1; i >= blocks * 4; i -= 1) rest = (rest << 8) | byteAt(bytes, i);
  if (bytes.length > blocks * 4) hash ^= mix(rest);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(block: number): number {
  return Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
