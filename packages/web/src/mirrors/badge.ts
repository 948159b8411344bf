import { make } from "../element.ts";
import type { Icon, Tone } from "./describe.ts";

/** Drawn in a square of 16 with a line of 1.5, round ends. */
const SHAPES: Readonly<Record<Icon, string>> = {
  check: "M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5zM5.5 8.25l1.75 1.75 3.25-3.75",
  refresh: "M13.25 6.5A5.5 5.5 0 0 0 3.5 5M3.25 2.25V5H6M2.75 9.5A5.5 5.5 0 0 0 12.5 11M12.75 13.75V11H10",
  clock: "M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5zM8 4.75V8l2.25 1.5",
  alert: "M8 2.25L1.75 13h12.5zM8 6.25v3M8 11.1v.05",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  dashed:
    "M6.4 1.95a6.25 6.25 0 0 1 3.2 0M12.4 3.6A6.25 6.25 0 0 1 14 6.4M14 9.6a6.25 6.25 0 0 1-1.6 2.8M9.6 14.05a6.25 6.25 0 0 1-3.2 0M3.6 12.4A6.25 6.25 0 0 1 2 9.6M2 6.4a6.25 6.25 0 0 1 1.6-2.8",
};

/** What a badge says, in colour, icon and word: none of them stands alone. */
export interface Badge {
  readonly word: string;
  /** Null: all is well. */
  readonly tone: Tone | null;
  readonly icon: Icon;
}

/** Draws a badge; `title` is told where the pointer rests on it. */
export function makeBadge({ word, tone, icon }: Badge, title?: string): HTMLSpanElement {
  const attributes = { class: "badge", "data-tone": tone ?? "good", "data-icon": icon };
  return make("span", title === undefined ? attributes : { ...attributes, title }, drawIcon(icon), word);
}

function drawIcon(icon: Icon): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[icon]);
  svg.append(path);
  return svg;
}
