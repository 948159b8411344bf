/** Git's framing: four hexadecimal digits of length, themselves included, then the bytes. */
export function pktLine(text: string): string {
  return `${(Buffer.byteLength(text) + 4).toString(16).padStart(4, "0")}${text}`;
}

export const FLUSH_PKT = "0000";
