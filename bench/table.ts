import type { Row, Summary, Unit } from "./harness.ts";

const HEAD = ["what", "plain git", "ours", "ratio", "budget"];

/** The rows as a table in Markdown, aligned for a terminal: each figure is a median with its smallest and largest. */
export function formatTable(rows: readonly Row[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const [head = [], ...body] = cells;
  return [line(head), rule, ...body.map(line)].join("\n");
}

function cellsOf({ what, unit, git, ours, ratio, budget }: Row): string[] {
  return [
    what,
    git === null ? "–" : format(git, unit),
    format(ours, unit),
    ratio === null ? "–" : format(ratio, "×"),
    budget === null ? "–" : `${budget.text} ${budget.isKept ? "kept" : "MISSED"}`,
  ];
}

function format({ median, min, max }: Summary, unit: Unit): string {
  const spread = min === max ? "" : ` (${number(min)}–${number(max)})`;
  return `${number(median)} ${unit}${spread}`;
}

/** Three digits that count, no more: the fourth is noise. */
function number(value: number): string {
  if (!Number.isFinite(value)) return "?";
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
}
