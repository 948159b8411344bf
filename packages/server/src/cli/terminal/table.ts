import { styleText } from "node:util";
import { plain } from "./plain.ts";

/** What a table needs of standard output. */
export interface TableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** No column is cut below this. */
const NARROWEST = 8;
const GAP = 2;

/**
 * A table for people: the first row are headings, a column is as wide as its widest cell. On a terminal the widest
 * columns are cut (`…`) until a row fits its width; anywhere else nothing is, for `grep` and `awk`.
 */
export function table(
  rows: readonly (readonly string[])[],
  stream: TableStream & NodeJS.WritableStream = process.stdout,
): string {
  const cells = rows.map((row) => row.map(plain));
  const widths = fit(columnWidths(cells), stream.isTTY ? (stream.columns ?? 80) : null);
  const lines = cells.map((row) =>
    row
      .map((cell, column) => pad(cut(cell, widths[column] ?? 0), widths[column] ?? 0))
      .join(" ".repeat(GAP))
      .trimEnd(),
  );
  const [heading = "", ...body] = lines;
  return [styleText("bold", heading, { stream }), ...body].join("\n");
}

/** Names and values, one pair a line, whole however long they are. */
export function facts(pairs: readonly (readonly [string, string])[], indent = ""): string {
  const width = Math.max(...pairs.map(([name]) => displayWidth(plain(name))));
  return pairs
    .map(([name, value]) => `${indent}${pad(plain(name), width)}${" ".repeat(GAP)}${plain(value)}`.trimEnd())
    .join("\n");
}

function columnWidths(cells: readonly (readonly string[])[]): number[] {
  return cells.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(displayWidth(cell), widest[column] ?? 0)),
    [],
  );
}

/** Takes from the widest column first, so that ids and words stay whole. `null`: as wide as need be. */
function fit(widths: readonly number[], room: number | null): readonly number[] {
  if (room === null) return widths;
  const fitted = [...widths];
  let excess = fitted.reduce((sum, width) => sum + width + GAP, -GAP) - room;
  while (excess > 0) {
    const widest = Math.max(...fitted);
    if (widest <= NARROWEST) break;
    // The last one of those that are as wide: what identifies a row stands to the left.
    fitted[fitted.lastIndexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return fitted;
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    if (displayWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

const graphemes = new Intl.Segmenter();
const WIDE =
  /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\uff01-\uff60]/u;

/** How many columns a terminal takes for it: two for Chinese, Japanese, Korean and pictures. */
function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
