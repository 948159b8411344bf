import type { TwoFactorAnswer } from "@heliostat/contract/api/two-factor.ts";
import { byId, type Child, make, makeButton } from "../element.ts";
import { readProvider, readSession, signInAddress } from "../session.ts";
import { type AccountApi, createAccountApi } from "./api.ts";
import { showHostKeys } from "./host-keys.ts";
import { showSshKeys } from "./ssh-keys.ts";

const content = byId("content", HTMLElement);
const refused = byId("refused", HTMLElement);

void start();

async function start(): Promise<void> {
  try {
    const session = await readSession();
    if (session === null) {
      location.replace(signInAddress(location.pathname));
      return;
    }
    const api = createAccountApi(session);
    await showState(api);
    await showSshKeys(api);
    await showHostKeys(api);
  } catch (error) {
    complain(error);
  }
}

async function showState(api: AccountApi): Promise<void> {
  const state = await api.readTwoFactor();
  if (state.enabled) showEnabled(api, state);
  else showDisabled(api, state);
  await showProvider(api, state);
}

function showDisabled(api: AccountApi, { required }: TwoFactorAnswer): void {
  const text = required
    ? "Everybody who signs in by password must have a second factor here. Set it up to go on."
    : "A code of an app on your phone, asked for beside your password.";
  const form = makeForm([passwordField()], "Set up", async ({ password = "" }) => {
    const { secret, url } = await api.begin(password);
    showSecret(api, secret, url);
  });
  content.replaceChildren(make("p", {}, text), form);
}

function showSecret(api: AccountApi, secret: string, url: string): void {
  const form = makeForm([codeField("Code that it shows")], "Switch on", async ({ code = "" }) => {
    const { recovery_codes } = await api.confirm(code);
    showCodes(api, recovery_codes);
  });
  content.replaceChildren(
    make(
      "p",
      {},
      "Open ",
      make("a", { href: url }, "this link"),
      " on the phone with your app, or type the key into it:",
    ),
    make("code", { class: "secret", id: "secret" }, secret.replace(/(.{4})(?=.)/g, "$1 ")),
    form,
  );
}

function showCodes(api: AccountApi, codes: readonly string[]): void {
  content.replaceChildren(
    make(
      "p",
      {},
      "Keep these recovery codes where you find them without your phone. Each is good once. They are not shown again.",
    ),
    make("ul", { class: "codes", id: "codes" }, ...codes.map((code) => make("li", {}, code))),
    asPrimary(makeButton("I have kept them", () => void showState(api).catch(complain))),
  );
}

function showEnabled(api: AccountApi, { recovery_codes_left, unreadable }: TwoFactorAnswer): void {
  const lost =
    "The secrets file of this server is lost: only recovery codes are taken. Tell an administrator. ";
  const fields = [passwordField(), codeField("Code, or a recovery code")];
  const form = makeForm(fields, "Make other recovery codes", async ({ password = "", code = "" }) => {
    const { recovery_codes } = await api.replaceCodes(password, code);
    showCodes(api, recovery_codes);
  });
  const off = makeButton("Switch off", () => {
    const { password = "", code = "" } = valuesOf(form);
    void attempt(async () => {
      await api.remove(password, code);
      await showState(api);
    });
  });
  off.className = "secondary";
  content.replaceChildren(
    make("p", {}, `${unreadable ? lost : ""}It is on. Recovery codes left: ${recovery_codes_left}.`),
    form,
    off,
  );
}

async function showProvider(api: AccountApi, state: TwoFactorAnswer): Promise<void> {
  const name = await readProvider();
  // While a second factor has to be set up first, nothing else is told.
  const identities = name === null ? null : await api.listIdentities().catch(() => null);
  if (name === null || identities === null) return;
  byId("provider-heading", HTMLElement).textContent = name;
  const [identity] = identities;
  const children: readonly Child[] =
    identity === undefined
      ? [
          make("p", {}, `Connect your account, to sign in with ${name} as well.`),
          makeForm(
            [
              passwordField("provider-"),
              ...(state.enabled ? [codeField("Code, or a recovery code", "provider-")] : []),
            ],
            "Connect",
            async ({ password = "", code = "" }) => location.assign(await api.connect(password, code)),
          ),
        ]
      : [
          make("p", {}, `Your account is connected: you may sign in with ${name}.`),
          asSecondary(
            makeButton(
              "Disconnect",
              () =>
                void attempt(async () => {
                  await api.disconnect(identity.id);
                  await showProvider(api, state);
                }),
            ),
          ),
        ];
  byId("identities", HTMLElement).replaceChildren(...children);
  byId("provider-panel", HTMLElement).hidden = false;
}

/** `before`: what its id begins with, where another form of the page has such a field. */
function passwordField(before = ""): readonly HTMLElement[] {
  const attributes = { type: "password", autocomplete: "current-password" };
  return field("Your password", { id: `${before}password`, name: "password", ...attributes });
}

function codeField(label: string, before = ""): readonly HTMLElement[] {
  const attributes = { type: "text", autocomplete: "one-time-code", spellcheck: "false" };
  return field(label, { id: `${before}code`, name: "code", ...attributes });
}

function field(label: string, attributes: Readonly<Record<string, string>>): readonly HTMLElement[] {
  const id = attributes["id"] ?? "";
  return [make("label", { for: id }, label), make("input", attributes)];
}

function makeForm(
  fields: readonly (readonly HTMLElement[])[],
  label: string,
  act: (values: Readonly<Record<string, string>>) => Promise<void>,
): HTMLFormElement {
  const form = make(
    "form",
    {},
    ...fields.flat(),
    make("button", { type: "submit", class: "primary" }, label),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(() => act(valuesOf(form)));
  });
  return form;
}

function valuesOf(form: HTMLFormElement): Readonly<Record<string, string>> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

async function attempt(work: () => Promise<void>): Promise<void> {
  refused.hidden = true;
  try {
    await work();
  } catch (error) {
    complain(error);
  }
}

function complain(error: unknown): void {
  refused.textContent = error instanceof Error ? error.message : String(error);
  refused.hidden = false;
}

function asPrimary(button: HTMLButtonElement): HTMLButtonElement {
  button.className = "primary";
  return button;
}

function asSecondary(button: HTMLButtonElement): HTMLButtonElement {
  button.className = "secondary";
  return button;
}
