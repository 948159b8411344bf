import { StringDecoder } from "node:string_decoder";
import { lastLines, plainText } from "../domain/plain-text.ts";

export interface Tail {
  add(chunk: Buffer): void;
  /** The last whole lines, where there are line ends, and what came after the last line end. */
  text(): string;
}

const MAX_LINE_LENGTH = 16 * 1024;

/**
 * Keeps the end of a text stream, about `maxLength` characters of it, as a terminal would show it: a line that ends in
 * a carriage return is overwritten by the next one, so progress is handed to `onLine` and then forgotten. Other control
 * characters are left out: git ends what a remote says with a NUL at times.
 */
export function createTail(maxLength: number, onLine: (line: string) => void = () => {}): Tail {
  const decoder = new StringDecoder("utf8");
  let lines: string[] = [];
  let length = 0;
  let rest = "";

  const keep = (line: string): void => {
    lines.push(line);
    length += line.length + 1;
    if (length <= 2 * maxLength) return;
    const text = lastLines(lines.join("\n"), maxLength);
    lines = [text];
    length = text.length;
  };

  return {
    add(chunk) {
      rest += decoder.write(chunk);
      for (let end = rest.search(/[\r\n]/); end >= 0; end = rest.search(/[\r\n]/)) {
        const line = plainText(rest.slice(0, end));
        const isFinal = rest[end] === "\n";
        rest = rest.slice(end + 1);
        if (line === "") continue;
        onLine(line);
        if (isFinal) keep(line);
      }
      // Not a line any more, but a flood.
      if (rest.length > MAX_LINE_LENGTH) {
        keep(plainText(rest));
        rest = "";
      }
    },
    text() {
      const whole = [...lines, plainText(rest)].filter((line) => line !== "").join("\n");
      return lastLines(whole, maxLength);
    },
  };
}
