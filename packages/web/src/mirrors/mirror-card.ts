import type { MirrorOfAnyProjectAnswer } from "@heliostat/contract/api/mirror-attention.ts";
import { makeCopyButton } from "../copy-button.ts";
import { type Child, make, makeButton } from "../element.ts";
import type { MirrorApi } from "./api.ts";
import { makeBadge } from "./badge.ts";
import {
  type Action,
  chooseAction,
  describeExpiry,
  describeReason,
  describeState,
  ICON_OF,
} from "./describe.ts";
import { reviewHostKeys, say } from "./review-dialog.ts";

const LOOK_AGAIN_MS = 500;
/** As long as a person watches; an update that takes longer goes on without them. */
const LOOKS = 120;
const LOOKS_FOR_START = 20;

/** What a card needs of the page. */
export interface CardPage {
  readonly api: MirrorApi;
  /** Lists everything anew, with the focus back where it was as far as that is still there. */
  reload(): Promise<void>;
}

/** Draws a mirror that waits for somebody: why, and the one action that mends it. */
export function drawCard(mirror: MirrorOfAnyProjectAnswer, page: CardPage): HTMLLIElement {
  const status = make("p", { class: "status", role: "status" });
  const action = chooseAction(mirror);
  const update = makeButton("Update now", () => void run(update, "Starting an update …", startUpdate));
  const form = action === "enter-password" ? drawPasswordForm() : null;

  /** Does it with the button out of the way, follows the update that comes of it, and lists everything anew. */
  async function run(
    button: HTMLButtonElement,
    sentence: string,
    act: () => Promise<boolean>,
  ): Promise<void> {
    button.disabled = true;
    say(status, sentence);
    try {
      const { last_update_started_at } = await page.api.find(mirror);
      if (await act()) {
        if (mirror.enabled) await followUpdate(last_update_started_at);
        await page.reload();
      } else say(status, "");
    } catch (error) {
      say(status, error instanceof Error ? error.message : String(error), "bad");
    } finally {
      button.disabled = false;
    }
  }

  async function startUpdate(): Promise<boolean> {
    await page.api.update(mirror);
    return true;
  }

  async function review(): Promise<boolean> {
    const found = await page.api.reviewHostKeys(mirror);
    say(status, "");
    return await reviewHostKeys({
      title: `${mirror.project_path} · ${mirror.url ?? ""}`,
      review: found,
      accept: (fingerprints) => page.api.acceptHostKeys(mirror, fingerprints),
    });
  }

  /** Until the update has ended that comes after the one of `before`, or for as long as somebody may be watching. */
  async function followUpdate(before: string | null): Promise<void> {
    for (let looks = 0; looks < LOOKS; looks += 1) {
      const { update_status, last_update_started_at } = await page.api.find(mirror);
      const isUnderWay = update_status === "scheduled" || update_status === "started";
      if (!isUnderWay && last_update_started_at !== before) return;
      // A paused host, or Silent Mode: it starts when that is over.
      if (!isUnderWay && looks > LOOKS_FOR_START) return;
      say(status, isUnderWay ? "Updating …" : "Waiting for the update to start …");
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  function drawPasswordForm(): HTMLFormElement {
    const { credential } = mirror;
    const id = `password-${mirror.id}`;
    const field = make("input", { id, type: "password", autocomplete: "new-password", required: "" });
    const expiry = make("input", { id: `expiry-${mirror.id}`, type: "date" });
    const save = make("button", { type: "submit" }, "Save");
    const made = make("form", { class: "secret", hidden: "" });
    made.append(make("label", { for: id }, "Password or token"));
    if (credential !== null) {
      const all = `Of the credential ${credential.name}: all mirrors that use it get the new one.`;
      made.append(make("p", { class: "help" }, all));
    }
    made.append(make("div", { class: "field-row" }, field, ...(credential === null ? [save] : [])));
    if (credential !== null) {
      made.append(make("label", { for: expiry.id }, "Expires on (leave empty if it does not)"));
      made.append(make("div", { class: "field-row" }, expiry, save));
    }
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      const expiresAt = expiry.value === "" ? null : new Date(`${expiry.value}T23:59:59`).toISOString();
      void run(save, "Saving …", async () => {
        await page.api.savePassword(mirror, field.value, expiresAt);
        return true;
      });
    });
    return made;
  }

  function drawAction(wanted: Action): HTMLButtonElement | null {
    switch (wanted) {
      case "enter-password": {
        const open = makeButton("Enter password again", () => {
          if (form === null) return;
          form.hidden = !form.hidden;
          open.setAttribute("aria-expanded", String(!form.hidden));
          if (!form.hidden) form.querySelector("input")?.focus();
        });
        open.setAttribute("aria-expanded", "false");
        return open;
      }
      case "make-ssh-key": {
        const renew = makeButton("Make a new SSH key", () => {
          void run(renew, "Making a key …", async () => {
            await page.api.makeSshKey(mirror);
            return true;
          });
        });
        return renew;
      }
      case "review-host-keys": {
        const open = makeButton("Review host keys", () => void run(open, "Asking the server …", review));
        return open;
      }
      case "copy-public-key":
        return mirror.public_key === null
          ? null
          : makeCopyButton(
              "Copy SSH public key",
              `Copy SSH public key of ${mirror.project_path}`,
              mirror.public_key,
            );
      case "update-now":
        return null;
    }
  }

  const primary = action === null ? null : drawAction(action);
  (primary ?? update).classList.add("primary");
  const showsKey = action === "copy-public-key" && mirror.public_key !== null;
  return make(
    "li",
    { class: "card", "data-mirror": String(mirror.id) },
    ...drawHead(mirror),
    ...drawWhy(mirror),
    ...(showsKey
      ? [make("pre", { tabindex: "0", "aria-label": "SSH public key" }, mirror.public_key ?? "")]
      : []),
    make("div", { class: "actions" }, ...[primary ?? [], mirror.enabled ? update : []].flat()),
    ...(form === null ? [] : [form]),
    status,
  );
}

/** Its last error; that of host keys, which is long and says how to compare them elsewhere, folded below a short one. */
function drawWhy({
  reasons: [reason],
  last_error,
  lost_secrets,
}: MirrorOfAnyProjectAnswer): readonly Child[] {
  if (reason === undefined) return [];
  const { sentence } = describeReason(reason);
  if (reason === "needs-secret" && lost_secrets.includes("client_key")) {
    const how = "Give its client certificate again by API, with the key: client_certificate and client_key.";
    return [make("p", { class: "why" }, sentence), make("p", { class: "why" }, how)];
  }
  const why = make("p", { class: "why" }, sentence);
  if (last_error === null) return [why];
  if (!reason.startsWith("host-key-")) return [make("p", { class: "why" }, last_error)];
  return [
    why,
    make("details", {}, make("summary", {}, "Full message"), make("p", { class: "why" }, last_error)),
  ];
}

function drawHead(mirror: MirrorOfAnyProjectAnswer): readonly Child[] {
  const badges = mirror.reasons
    .filter((reason) => !reason.startsWith("credential-expire"))
    .map((reason) => {
      const { word, tone } = describeReason(reason);
      return makeBadge({ word, tone, icon: ICON_OF[tone] });
    });
  return [
    make("div", { class: "head" }, make("h3", {}, mirror.project_path), ...badges, ...drawExpiry(mirror)),
    drawRemote(mirror),
  ];
}

function drawRemote(mirror: MirrorOfAnyProjectAnswer): HTMLElement {
  const direction = mirror.direction === "pull" ? "Pulls from " : "Pushes to ";
  return make("p", { class: "remote" }, direction, make("code", {}, mirror.url ?? "—"));
}

/** The badge of a credential that expires within days, or has. */
function drawExpiry({
  credential_expires_at,
  credential_expires_soon,
}: MirrorOfAnyProjectAnswer): readonly Child[] {
  if (credential_expires_at === null || !credential_expires_soon) return [];
  const now = new Date();
  const tone = new Date(credential_expires_at) <= now ? "bad" : "warn";
  const when = new Date(credential_expires_at).toLocaleString();
  const word = describeExpiry(credential_expires_at, now);
  return [makeBadge({ word, tone, icon: ICON_OF[tone] }, when)];
}

/** Draws a mirror among all of them: its state, and its SSH public key to copy where it has one. */
export function drawRow(mirror: MirrorOfAnyProjectAnswer): HTMLLIElement {
  return make(
    "li",
    {},
    make(
      "div",
      { class: "head" },
      make("h3", {}, mirror.project_path),
      makeBadge(describeState(mirror)),
      ...drawExpiry(mirror),
    ),
    drawRemote(mirror),
    ...(mirror.public_key === null
      ? []
      : [
          makeCopyButton(
            "Copy SSH public key",
            `Copy SSH public key of ${mirror.project_path}`,
            mirror.public_key,
          ),
        ]),
  );
}
