import type { IdentityAnswer } from "@heliostat/contract/api/identities.ts";
import type { InstanceHostKeyAnswer } from "@heliostat/contract/api/instance.ts";
import type { SshKeyAnswer } from "@heliostat/contract/api/ssh-keys.ts";
import type {
  RecoveryCodesAnswer,
  TwoFactorAnswer,
  TwoFactorSecretAnswer,
} from "@heliostat/contract/api/two-factor.ts";
import { createApiCalls } from "@heliostat/contract/client.ts";
import type { Session } from "../session.ts";

/** What this page asks of the server, in the name of a session. Each rejects with a sentence for the person. */
export interface AccountApi {
  readTwoFactor(): Promise<TwoFactorAnswer>;
  begin(password: string): Promise<TwoFactorSecretAnswer>;
  confirm(code: string): Promise<RecoveryCodesAnswer>;
  replaceCodes(password: string, code: string): Promise<RecoveryCodesAnswer>;
  remove(password: string, code: string): Promise<void>;
  listIdentities(): Promise<readonly IdentityAnswer[]>;
  disconnect(id: number): Promise<void>;
  /** Answers the address of the provider's page to go to. */
  connect(password: string, code: string): Promise<string>;
  listSshKeys(): Promise<readonly SshKeyAnswer[]>;
  addSshKey(key: { readonly title: string; readonly key: string }): Promise<void>;
  removeSshKey(id: number): Promise<void>;
  /** Those of the server; empty where SSH is off. */
  listHostKeys(): Promise<readonly InstanceHostKeyAnswer[]>;
}

/** The API by the session's cookie. Calls throw an error whose message is a sentence for the person at the page. */
export function createAccountApi({ csrfToken }: Session): AccountApi {
  async function send(method: string, path: string, parameters: object | undefined): Promise<Response> {
    const response = await fetch(path, {
      method,
      cache: "no-store",
      headers: { "x-csrf-token": csrfToken, "content-type": "application/json" },
      ...(parameters === undefined ? {} : { body: JSON.stringify(parameters) }),
    }).catch(() => {
      throw new Error("The server does not answer. Is it still running?");
    });
    if (response.ok) return response;
    const body: unknown = await response.json().catch(() => null);
    throw new Error(
      sentenceOf(body) ?? `The server answered ${response.status}, and says no more. Its log does.`,
    );
  }

  const api = createApiCalls(({ method, path, body }) => send(method, `/api/v4${path}`, body));
  return {
    readTwoFactor: () => api.call("GET /user/two_factor"),
    begin: (current_password) => api.call("POST /user/two_factor", { current_password }),
    confirm: (code) => api.call("POST /user/two_factor/confirm", { code }),
    replaceCodes: (current_password, code) =>
      api.call("POST /user/two_factor/recovery_codes", { current_password, code }),
    async remove(current_password, code) {
      await api.call("DELETE /user/two_factor", { current_password, code });
    },
    listIdentities: () => api.call("GET /user/identities"),
    async disconnect(id) {
      await api.call("DELETE /user/identities/:id", { id });
    },
    async connect(current_password, code) {
      // A door for browsers, which is no part of the API.
      const response = await send("POST", "/users/auth/oidc/connect", { current_password, code });
      const { url }: { readonly url: string } = await response.json();
      return url;
    },
    listSshKeys: () => api.list("GET /user/keys"),
    async addSshKey(key) {
      await api.call("POST /user/keys", key);
    },
    async removeSshKey(key_id) {
      await api.call("DELETE /user/keys/:key_id", { key_id });
    },
    listHostKeys: () => api.call("GET /ssh_host_keys"),
  };
}

const NAMES: Readonly<Record<string, string>> = {
  current_password: "The password",
  code: "The code",
  title: "The title",
  key: "The key",
  fingerprint_sha256: "The key",
  fingerprint: "The key",
};

/** GitLab's forms of a refusal: a sentence, an object with one, or complaints by field. */
export function sentenceOf(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const message = "message" in body ? body.message : "error" in body ? body.error : null;
  if (typeof message === "string") return message;
  if (typeof message !== "object" || message === null) return null;
  const [first] = Object.entries(message);
  if (first === undefined) return null;
  const [field, complaint] = first;
  if (typeof complaint === "string") return complaint;
  const text = Array.isArray(complaint) ? String(complaint[0]) : "";
  return `${NAMES[field] ?? field} ${text}.`;
}
