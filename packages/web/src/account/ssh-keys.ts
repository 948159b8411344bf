import type { SshKeyAnswer } from "@heliostat/contract/api/ssh-keys.ts";
import { byId, make, makeButton } from "../element.ts";
import type { AccountApi } from "./api.ts";

type KeyApi = Pick<AccountApi, "listSshKeys" | "addSshKey" | "removeSshKey">;

/** Shows the person's SSH keys, with what adds and removes them. */
export async function showSshKeys(api: KeyApi): Promise<void> {
  // While a second factor has to be set up first, nothing else is told.
  const keys = await api.listSshKeys().catch(() => null);
  if (keys === null) return;
  listKeys(api, keys);
  listenToForm(api);
  byId("ssh-keys-panel", HTMLElement).hidden = false;
}

async function refresh(api: KeyApi): Promise<void> {
  listKeys(api, await api.listSshKeys());
}

function listKeys(api: KeyApi, keys: readonly SshKeyAnswer[]): void {
  byId("ssh-keys", HTMLElement).replaceChildren(...keys.map((key) => rowOf(api, key)));
}

function rowOf(api: KeyApi, key: SshKeyAnswer): HTMLElement {
  let isSure = false;
  const remove = makeButton("Remove", () => {
    // One click more than a slip of the finger.
    if (!isSure) {
      isSure = true;
      remove.textContent = "Sure?";
      remove.setAttribute("aria-label", `Really remove the key ${key.title}`);
      return;
    }
    void attempt(async () => {
      await api.removeSshKey(key.id);
      await refresh(api);
    });
  });
  remove.setAttribute("aria-label", `Remove the key ${key.title}`);
  remove.addEventListener("blur", () => {
    isSure = false;
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove the key ${key.title}`);
  });
  return make(
    "li",
    {},
    make(
      "div",
      {},
      make("strong", {}, key.title),
      make("code", { class: "fingerprint" }, key.fingerprint_sha256),
      make("span", { class: "facts" }, factsOf(key)),
    ),
    remove,
  );
}

function factsOf({ last_used_at: used, expires_at: expires }: SshKeyAnswer): string {
  const facts = [used === null ? "Never used" : `Last used ${dayOf(used)}`];
  if (expires !== null)
    facts.push(`${new Date(expires) > new Date() ? "expires" : "expired"} ${dayOf(expires)}`);
  return facts.join(", ");
}

function dayOf(moment: string): string {
  return new Date(moment).toLocaleDateString(undefined, { dateStyle: "medium" });
}

function listenToForm(api: KeyApi): void {
  const form = byId("add-ssh-key", HTMLFormElement);
  const key = byId("ssh-key", HTMLTextAreaElement);
  const title = byId("ssh-key-title", HTMLInputElement);
  key.addEventListener("input", () => {
    // The comment at the end of the line is what the key's owner called it.
    if (title.value === "") title.value = key.value.trim().split(/\s+/).slice(2).join(" ");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(async () => {
      if (key.value.trim() === "") throw new Error("Paste the line of your .pub file.");
      if (title.value.trim() === "") throw new Error("Give the key a title.");
      await api.addSshKey({ title: title.value, key: key.value.trim() });
      form.reset();
      await refresh(api);
    });
  });
}

async function attempt(work: () => Promise<void>): Promise<void> {
  const refused = byId("ssh-keys-refused", HTMLElement);
  refused.hidden = true;
  try {
    await work();
  } catch (error) {
    refused.textContent = error instanceof Error ? error.message : String(error);
    refused.hidden = false;
  }
}
