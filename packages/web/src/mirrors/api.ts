import { errorText } from "@heliostat/contract/api/error-text.ts";
import type { HostKeyReviewAnswer } from "@heliostat/contract/api/host-keys.ts";
import type { MirrorOfAnyProjectAnswer } from "@heliostat/contract/api/mirror-attention.ts";
import type { MirrorAnswer } from "@heliostat/contract/api/mirrors.ts";
import { type ApiRequest, createApiCalls } from "@heliostat/contract/client.ts";
import type { Session } from "../session.ts";

/** What of a mirror its endpoints are found by. */
type MirrorRef = Pick<MirrorOfAnyProjectAnswer, "id" | "project_id">;
/** What of a mirror says whose its secret is. */
type SecretRef = MirrorRef & Pick<MirrorOfAnyProjectAnswer, "credential">;

/** The API with one token. Every method rejects with an `Error` whose message is a sentence for the person. */
export interface MirrorApi {
  listWaiting(): Promise<readonly MirrorOfAnyProjectAnswer[]>;
  listAll(): Promise<readonly MirrorOfAnyProjectAnswer[]>;
  find(mirror: MirrorRef): Promise<MirrorAnswer>;
  /** Starts an update, also of a mirror on pause. */
  update(mirror: MirrorRef): Promise<void>;
  reviewHostKeys(mirror: MirrorRef): Promise<HostKeyReviewAnswer>;
  acceptHostKeys(mirror: MirrorRef, fingerprints: readonly string[]): Promise<void>;
  /** Of a named credential for all mirrors that use it; `expiresAt` is for those only, null: not known. */
  savePassword(mirror: SecretRef, password: string, expiresAt: string | null): Promise<void>;
  /** Makes another key pair, as `savePassword` does with a password. */
  makeSshKey(mirror: SecretRef): Promise<void>;
}

/** By which right the page asks: an access token, or the session of this browser. */
export type MirrorAccess = { readonly token: string } | Pick<Session, "csrfToken">;

/** Speaks to the server that the page is from. A token is kept here, in memory, and nowhere else. */
export function createMirrorApi(access: MirrorAccess): MirrorApi {
  const isSession = "csrfToken" in access;
  const right: Readonly<Record<string, string>> = isSession
    ? { "x-csrf-token": access.csrfToken }
    : { "private-token": access.token };

  async function send({ method, path, body }: ApiRequest): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`/api/v4${path}`, {
        method,
        cache: "no-store",
        credentials: isSession ? "same-origin" : "omit",
        headers: { ...right, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new Error("The server does not answer. Is it still running?");
    }
    if (!response.ok) throw new Error(await refusalOf(response, isSession));
    return response;
  }

  const api = createApiCalls(send);
  const nameOf = ({ id, project_id }: MirrorRef) => ({ id: project_id, mirror_id: id });
  return {
    listWaiting: () => api.list("GET /mirrors/attention"),
    listAll: () => api.list("GET /mirrors"),
    find: (mirror) => api.call("GET /projects/:id/mirrors/:mirror_id", nameOf(mirror)),
    async update(mirror) {
      await api.call("POST /projects/:id/mirrors/:mirror_id/sync", { ...nameOf(mirror), force: true });
    },
    reviewHostKeys: (mirror) =>
      api.call("GET /projects/:id/mirrors/:mirror_id/host_keys/review", nameOf(mirror)),
    async acceptHostKeys(mirror, fingerprints) {
      const parameters = { ...nameOf(mirror), fingerprints: [...fingerprints] };
      await api.call("POST /projects/:id/mirrors/:mirror_id/host_keys/accept", parameters);
    },
    async savePassword(mirror, password, expires_at) {
      const { credential } = mirror;
      if (credential === null) {
        const parameters = { ...nameOf(mirror), auth_password: password };
        await api.call("PUT /projects/:id/mirrors/:mirror_id", parameters);
      } else {
        await api.call("POST /credentials/:id/rotate", { id: credential.id, password, expires_at });
      }
    },
    async makeSshKey(mirror) {
      const { credential } = mirror;
      if (credential === null) {
        const parameters = { ...nameOf(mirror), regenerate_ssh_private_key: true };
        await api.call("PUT /projects/:id/mirrors/:mirror_id", parameters);
      } else {
        const parameters = { id: credential.id, key_type: "ed25519", expires_at: null } as const;
        await api.call("POST /credentials/:id/rotate", parameters);
      }
    },
  };
}

async function refusalOf(response: Response, isSession: boolean): Promise<string> {
  const said = errorText(await response.json().catch(() => null));
  switch (response.status) {
    case 401:
      if (isSession) return "You are no longer signed in. Reload this page, and sign in again.";
      return "The server does not accept this token. It may have expired, or been withdrawn.";
    case 403:
      return /insufficient_scope/.test(said)
        ? "This token may only look. Give one with the scope api."
        : `You are not allowed to do this (${said || "403 Forbidden"}).`;
    case 404:
      return "It is gone: somebody has removed the mirror, the credential or the project meanwhile. Reload.";
    default:
      return said || `The server answered ${response.status}, and says no more. Its log does.`;
  }
}
