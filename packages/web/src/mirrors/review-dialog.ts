import type { HostKeyAnswer, HostKeyReviewAnswer } from "@heliostat/contract/api/host-keys.ts";
import { byId, type Child, make, makeButton } from "../element.ts";
import { makeBadge } from "./badge.ts";

/** What is reviewed, and what accepting does: it rejects with a sentence. */
export interface ReviewOptions {
  readonly title: string;
  readonly review: HostKeyReviewAnswer;
  accept(fingerprints: readonly string[]): Promise<void>;
}

/** Shows the stored host keys beside those that the server shows now. Resolves with whether they were accepted. */
export function reviewHostKeys({ title, review, accept }: ReviewOptions): Promise<boolean> {
  const dialog = byId("review", HTMLDialogElement);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const status = make("p", { class: "status", role: "status" });
  const cancelButton = makeButton("Cancel", () => dialog.close());
  const isSomeRevoked = review.revoked.length > 0;
  const acceptButton = makeButton(
    isSomeRevoked ? "Accept the other keys" : "Accept these keys",
    () => void run(),
  );
  acceptButton.className = "primary";
  acceptButton.disabled = review.fingerprints.length === 0;

  async function run(): Promise<void> {
    acceptButton.disabled = true;
    say(status, "Asking the server once more, and saving …");
    try {
      await accept(review.fingerprints);
      dialog.close("accepted");
    } catch (error) {
      say(status, error instanceof Error ? error.message : String(error), "bad");
    }
  }

  dialog.replaceChildren(
    make("h2", { id: "review-heading" }, "Review host keys"),
    make("p", { class: "what" }, title),
    make("p", { class: "help" }, adviceOn(review)),
    make(
      "div",
      { class: "sides" },
      drawSide("Stored", [
        ...review.removed.map((key) => drawKey(key, "bad", "no longer shown")),
        ...review.kept.map((key) => drawKey(key, null, "same")),
      ]),
      drawSide("Shown now", [
        ...review.revoked.map((key) => drawKey(key, "bad", "revoked")),
        ...review.added.map((key) => drawKey(key, "warn", "new")),
        ...review.kept.map((key) => drawKey(key, null, "same")),
      ]),
    ),
    status,
    make("div", { class: "actions end" }, cancelButton, acceptButton),
  );
  dialog.returnValue = "";
  dialog.addEventListener("close", () => resolve(dialog.returnValue === "accepted"), { once: true });
  dialog.showModal();
  // The careful choice is the one under the finger.
  cancelButton.focus();
  return promise;
}

/** Puts a sentence where it is read out; `bad` for what went wrong. */
export function say(status: HTMLElement, sentence: string, tone: "bad" | "" = ""): void {
  status.dataset["tone"] = tone;
  status.textContent = sentence;
}

function adviceOn(review: HostKeyReviewAnswer): string {
  const { revoked, removed, kept, added, fingerprints, host_keys_changed } = review;
  if (revoked.length > 0) {
    const revocation = "The server shows a key that was marked as revoked. It cannot be accepted";
    return fingerprints.length === 0
      ? `${revocation}: ask the owner of the host first.`
      : `${revocation}, and stays revoked. The others can: ask the owner of the host first, and compare the fingerprints.`;
  }
  if (!host_keys_changed) return "The server shows the stored keys. Accepting starts the mirror again.";
  const compare =
    "Compare the fingerprints with those that the host publishes: what you accept is trusted from now on.";
  if (removed.length + kept.length === 0) return `No key is stored yet. ${compare}`;
  return added.length === 0
    ? "The server shows fewer keys than are stored."
    : `The keys have changed. ${compare}`;
}

function drawSide(heading: string, keys: readonly Child[]): HTMLElement {
  const content = keys.length === 0 ? [make("p", { class: "help" }, "None")] : [make("ul", {}, ...keys)];
  return make("section", {}, make("h3", {}, heading), ...content);
}

function drawKey(key: HostKeyAnswer, tone: "bad" | "warn" | null, mark: string): HTMLElement {
  return make(
    "li",
    {},
    make(
      "p",
      { class: "key-type" },
      `${key.type.toUpperCase()} ${key.bits} `,
      makeBadge({ word: mark, tone, icon: tone === null ? "check" : "alert" }),
    ),
    make("code", {}, key.fingerprint_sha256),
  );
}
