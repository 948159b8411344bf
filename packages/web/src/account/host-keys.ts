import { makeCopyButton } from "../copy-button.ts";
import { byId, make } from "../element.ts";
import type { AccountApi } from "./api.ts";

/** Shows the keys by which SSH clients know this server; nothing where SSH is off. */
export async function showHostKeys(api: Pick<AccountApi, "listHostKeys">): Promise<void> {
  const keys = await api.listHostKeys();
  if (keys.length === 0) return;
  const rows = keys.map(({ algorithm, bits, fingerprint_sha256: fingerprint }) =>
    make(
      "li",
      {},
      make(
        "div",
        {},
        make("strong", {}, nameOf(algorithm, bits)),
        make("code", { class: "fingerprint" }, fingerprint),
      ),
      makeCopyButton("Copy", `Copy the fingerprint of the ${nameOf(algorithm, bits)} key`, fingerprint),
    ),
  );
  byId("host-keys", HTMLElement).replaceChildren(...rows);
  const lines = keys.map(({ known_hosts }) => `${known_hosts}\n`).join("");
  const copyAll = makeCopyButton("Copy for known_hosts", "Copy the lines for known_hosts", lines);
  copyAll.className = "secondary";
  byId("known-hosts", HTMLElement).replaceChildren(copyAll);
  byId("host-keys-panel", HTMLElement).hidden = false;
}

function nameOf(algorithm: string, bits: number): string {
  if (algorithm === "ssh-ed25519") return "Ed25519";
  return algorithm === "ssh-rsa" ? `RSA, ${bits} bits` : algorithm;
}
