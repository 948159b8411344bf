import { makeCopyButton } from "./copy-button.ts";
import { describeFirstMirror, type Step } from "./first-mirror.ts";
import { askReadiness, describeReadiness, READINESS_INTERVAL_MS, type Readiness } from "./readiness.ts";

/** Outlines on a 24 × 24 grid: colour never stands alone, each state has its own shape. */
const ICONS: Readonly<Record<Readiness, string>> = {
  checking: "M12 3a9 9 0 1 0 9 9",
  ready: "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM8.5 12.5l2.5 2.5 5-5.5",
  "not-ready": "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM12 7.5v5.5M12 16.3v.2",
  unreachable: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.3v.2",
};

showSteps(describeFirstMirror(location.origin));
void watchReadiness();

async function watchReadiness(): Promise<void> {
  for (;;) {
    // A page that nobody looks at need not ask; it asks the moment it is looked at again.
    if (document.hidden) await untilVisible();
    showReadiness(await askReadiness());
    await new Promise((resolve) => setTimeout(resolve, READINESS_INTERVAL_MS));
  }
}

function untilVisible(): Promise<unknown> {
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

function showReadiness(readiness: Readiness): void {
  const { word, sentence } = describeReadiness(readiness);
  const state = element("readiness");
  if (state.dataset["state"] === readiness) return;
  state.dataset["state"] = readiness;
  element("readiness-icon").setAttribute("d", ICONS[readiness]);
  element("readiness-word").textContent = word;
  element("readiness-sentence").textContent = sentence;
}

function showSteps(steps: readonly Step[]): void {
  element("steps").replaceChildren(...steps.map(drawStep));
}

function drawStep({ title, command }: Step): HTMLLIElement {
  const item = document.createElement("li");
  const heading = document.createElement("h3");
  heading.textContent = title;
  const code = document.createElement("code");
  code.textContent = command;
  const block = document.createElement("pre");
  block.append(code);
  item.append(heading, makeCopyButton("Copy", `Copy the command: ${title}`, command), block);
  return item;
}

function element(id: string): HTMLElement | SVGElement {
  const found = document.querySelector(`#${id}`);
  if (found instanceof HTMLElement || found instanceof SVGElement) return found;
  throw new Error(`the page has no element #${id}`);
}
