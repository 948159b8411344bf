import { byId, make } from "../element.ts";
import { readSession, type Session, signInAddress, signOut } from "../session.ts";
import { createMirrorApi, type MirrorApi } from "./api.ts";
import { drawCard, drawRow } from "./mirror-card.ts";
import { say } from "./review-dialog.ts";

const signIn = byId("sign-in", HTMLFormElement);
const token = byId("token", HTMLInputElement);
const show = byId("show", HTMLButtonElement);
const signInStatus = byId("sign-in-status", HTMLElement);
const lists = byId("lists", HTMLElement);
const listsStatus = byId("lists-status", HTMLElement);
const reload = byId("reload", HTMLButtonElement);
const forget = byId("forget", HTMLButtonElement);
const who = byId("who", HTMLElement);

// Without the script the form would be sent, and the token with it.
show.disabled = false;
signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  void enter();
});
reload.addEventListener("click", () => void reloadAgain());
forget.addEventListener("click", () => void leave());
byId("sign-in-link", HTMLAnchorElement).href = signInAddress(location.pathname);

/**
 * The token is in memory only, in this object: a reload forgets it, and neither another page of this origin nor
 * whoever uses this browser next finds it in a storage.
 */
let api: MirrorApi | null = null;

/** Null: by a token, or not yet at all. */
let session: Session | null = null;

void enterBySession();

/** Who is signed in need not give a token. */
async function enterBySession(): Promise<void> {
  try {
    session = await readSession();
    if (session !== null) await open(createMirrorApi(session));
  } catch (error) {
    say(signInStatus, sentenceOf(error), "bad");
  }
  signIn.hidden = api !== null;
}

async function open(given: MirrorApi): Promise<void> {
  await fill(given);
  api = given;
  token.value = "";
  signIn.hidden = true;
  lists.hidden = false;
  forget.textContent = session === null ? "Forget token" : "Sign out";
  forget.hidden = false;
  who.textContent = session?.username ?? "";
  reload.focus({ preventScroll: true });
  say(signInStatus, "");
}

async function leave(): Promise<void> {
  try {
    if (session !== null) await signOut(session);
    location.reload();
  } catch (error) {
    say(listsStatus, sentenceOf(error), "bad");
  }
}

async function enter(): Promise<void> {
  show.disabled = true;
  say(signInStatus, "Asking the server …");
  try {
    await open(createMirrorApi({ token: token.value.trim() }));
  } catch (error) {
    say(signInStatus, sentenceOf(error), "bad");
    token.focus();
  } finally {
    show.disabled = false;
  }
}

async function reloadAgain(): Promise<void> {
  if (api === null) return;
  reload.disabled = true;
  say(listsStatus, "Asking the server …");
  try {
    await fill(api);
  } catch (error) {
    say(listsStatus, sentenceOf(error), "bad");
  } finally {
    reload.disabled = false;
  }
}

/** Lists everything anew; what is there stays until the answers have come. */
async function fill(from: MirrorApi): Promise<void> {
  const [waiting, all] = await Promise.all([from.listWaiting(), from.listAll()]);
  const focused = document.activeElement?.closest("[data-mirror]")?.getAttribute("data-mirror") ?? null;
  byId("waiting", HTMLElement).replaceChildren(
    ...waiting.map((mirror) => drawCard(mirror, { api: from, reload: () => fill(from) })),
  );
  byId("all", HTMLElement).replaceChildren(...all.map(drawRow));
  if (all.length === 0) {
    const hint = "There is no mirror yet that you may see. The start page shows how to make the first one.";
    byId("all", HTMLElement).append(make("li", { class: "empty" }, hint));
  }
  say(listsStatus, describeCount(waiting.length));
  if (focused === null) return;
  const again = document.querySelector(`[data-mirror="${CSS.escape(focused)}"] button`);
  (again instanceof HTMLElement ? again : reload).focus();
}

function describeCount(count: number): string {
  if (count === 0) return "No mirror needs you.";
  return count === 1 ? "One mirror needs you." : `${count} mirrors need you.`;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
