import { byId } from "../element.ts";
import {
  CodeNeeded,
  readProvider,
  readSession,
  returnPath,
  type Session,
  signIn,
  signOut,
} from "../session.ts";

const form = byId("sign-in", HTMLFormElement);
const username = byId("username", HTMLInputElement);
const password = byId("password", HTMLInputElement);
const secondFactor = byId("second-factor", HTMLElement);
const code = byId("code", HTMLInputElement);
const elsewhere = byId("elsewhere", HTMLElement);
const reveal = byId("reveal", HTMLButtonElement);
const submit = byId("submit", HTMLButtonElement);
const refused = byId("refused", HTMLElement);
const signedIn = byId("signed-in", HTMLElement);
const heading = byId("heading", HTMLElement);
const signOutButton = byId("sign-out", HTMLButtonElement);

/** Where a second factor is set up. */
const ACCOUNT_PATH = "/-/account";

const next = returnPath(location.search, location.origin);

username.focus();
// Without the script the form would be sent, and a page of JSON shown.
submit.disabled = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void enter();
});
reveal.addEventListener("click", () => show(password.type === "password"));
for (const field of [username, password]) field.addEventListener("input", forgetCode);
void showWhoIsHere();
void showProvider();

async function enter(): Promise<void> {
  const missing = [username, password].find((field) => field.value === "");
  if (missing) {
    refuse("Enter your user name and your password.", missing);
    return;
  }
  submit.disabled = true;
  submit.textContent = "Signing in …";
  try {
    const { mustSetUpTwoFactor } = await signIn(username.value.trim(), password.value, code.value.trim());
    // Not into the history: going back must not lead here again.
    location.replace(mustSetUpTwoFactor ? ACCOUNT_PATH : next);
  } catch (error) {
    submit.disabled = false;
    submit.textContent = "Sign in";
    show(false);
    if (error instanceof CodeNeeded) {
      askForCode(error.message);
      return;
    }
    password.select();
    refuse(sentenceOf(error), password);
  }
}

/** The password was right: the code comes beside it, and is asked for again while it is wrong. */
function askForCode(sentence: string): void {
  const isFirst = secondFactor.hidden;
  secondFactor.hidden = false;
  code.value = "";
  if (isFirst) {
    refused.hidden = true;
    code.focus();
  } else refuse(sentence, code);
}

/** A code is somebody's, and belongs to the name and password that it was asked for. */
function forgetCode(): void {
  secondFactor.hidden = true;
  code.value = "";
}

async function showProvider(): Promise<void> {
  const name = await readProvider().catch(() => null);
  if (name === null) return;
  byId("provider", HTMLAnchorElement).textContent = `Sign in with ${name}`;
  elsewhere.hidden = form.hidden;
}

/** Says it, also to who does not see it, and puts the cursor where it can be mended. */
function refuse(sentence: string, field: HTMLInputElement): void {
  refused.textContent = sentence;
  refused.hidden = false;
  for (const each of [username, password, code]) {
    each.setAttribute("aria-invalid", String(each === field));
    each.setAttribute("aria-describedby", "refused");
  }
  field.focus();
}

function show(visible: boolean): void {
  password.type = visible ? "text" : "password";
  reveal.textContent = visible ? "Hide" : "Show";
  reveal.setAttribute("aria-pressed", String(visible));
}

/** Who is signed in already need not do it again, and may want to be somebody else. */
async function showWhoIsHere(): Promise<void> {
  const session = await readSession().catch(() => null);
  if (session === null) return;
  form.hidden = true;
  elsewhere.hidden = true;
  byId("lost", HTMLElement).hidden = true;
  heading.textContent = "You are signed in";
  byId("who", HTMLElement).textContent = `As ${session.username}.`;
  byId("continue", HTMLAnchorElement).href = next;
  signOutButton.addEventListener("click", () => void leave(session));
  signedIn.hidden = false;
}

async function leave(session: Session): Promise<void> {
  signOutButton.disabled = true;
  try {
    await signOut(session);
    location.reload();
  } catch (error) {
    signOutButton.disabled = false;
    byId("who", HTMLElement).textContent = sentenceOf(error);
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
