import { makeButton } from "./element.ts";

const COPIED_MS = 2000;

/** Makes a button that copies `text` and says so; hidden where the browser gives no clipboard. */
export function makeCopyButton(label: string, name: string, text: string): HTMLButtonElement {
  const button = makeButton(label, () => void copy(button, label, text));
  button.setAttribute("aria-label", name);
  // Browsers give the clipboard to HTTPS and localhost only: no button is better than one that does nothing.
  button.hidden = navigator.clipboard === undefined;
  return button;
}

async function copy(button: HTMLButtonElement, label: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => {
    button.textContent = label;
  }, COPIED_MS);
}
