/** What is put below an element: text is only ever text, whatever is in it. */
export type Child = Node | string;

/** The element of the page with this id and of this class; throws where the page has none. */
export function byId<T extends Element>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no such element #${id}`);
}

/** Makes an element with these attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Makes a button that does `act`. */
export function makeButton(label: string, act: () => void): HTMLButtonElement {
  const button = make("button", { type: "button" }, label);
  button.addEventListener("click", act);
  return button;
}
