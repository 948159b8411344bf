/** Reads so many of SSH's strings, each with its length in front, from this place on; null when they are not all there. */
export function readStrings(
  bytes: Buffer,
  start: number,
  count: number,
): { readonly values: readonly Buffer[]; readonly end: number } | null {
  const values: Buffer[] = [];
  let end = start;
  while (values.length < count) {
    if (bytes.length - end < 4) return null;
    const length = bytes.readUInt32BE(end);
    if (bytes.length - end - 4 < length) return null;
    values.push(bytes.subarray(end + 4, end + 4 + length));
    end += 4 + length;
  }
  return { values, end };
}

/** The same, written. */
export function writeStrings(...values: readonly (string | Buffer)[]): Buffer {
  const parts = values.flatMap((value) => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

/** A number without sign as SSH writes it: a zero in front where it would read as negative, and no other. */
export function toNumber(digits: Buffer): Buffer {
  const first = digits.findIndex((byte) => byte !== 0);
  if (first < 0) return Buffer.alloc(0);
  const stripped = digits.subarray(first);
  return (stripped[0] ?? 0) < 0x80 ? stripped : Buffer.concat([Buffer.alloc(1), stripped]);
}
