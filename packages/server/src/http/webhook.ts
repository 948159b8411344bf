import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import type { HookProof, Webhook } from "../app/mirror-hooks/webhook.ts";

/** Headers in which forges name the event; some send several, all with the same word. */
const EVENT_HEADERS = [
  "x-github-event",
  "x-gitlab-event",
  "x-gitea-event",
  "x-forgejo-event",
  "x-gogs-event",
  "x-event-key",
] as const;

/**
 * Where forges sign, those that are always SHA-256 first: the first that is there counts, so that nobody can have a weaker
 * one taken in its place. The word in front of the digits tells SHA-1 of GitHub's of old from SHA-256 of Bitbucket's.
 */
const SIGNATURE_HEADERS = [
  "x-hub-signature-256",
  "x-forgejo-signature",
  "x-gitea-signature",
  "x-gogs-signature",
  "x-hub-signature",
] as const;

const bodies = new WeakMap<FastifyRequest, Buffer>();

/** Keeps the body of a request that may be a webhook as it came: signatures are over its bytes. */
export function keepBody(request: FastifyRequest, body: Buffer): void {
  bodies.set(request, body);
}

/**
 * The request as a webhook of another forge; null where nothing says that it is one. None of what it shows is a
 * credential of the API's: these headers are read here and nowhere else, and stand for no user.
 */
export function readWebhook(request: FastifyRequest): Webhook | null {
  const { headers } = request;
  const event = EVENT_HEADERS.map((name) => textOf(headers, name)).find((word) => word !== null) ?? null;
  const proof = readProof(headers);
  if (event === null && proof === null) return null;
  const raw = bodies.get(request) ?? Buffer.alloc(0);
  const payload = readPayload(headers, raw);
  return {
    event,
    proof,
    // Gitea and its kin sign what they put into the form, GitHub the form.
    signedTexts: payload === null ? [raw] : [raw, payload],
    get body() {
      return parse(payload ?? raw);
    },
  };
}

function readProof(headers: IncomingHttpHeaders): HookProof | null {
  const signature = SIGNATURE_HEADERS.map((name) => textOf(headers, name)).find((text) => text !== null);
  if (signature !== undefined && signature !== null) {
    const [, word = "sha256", hex = ""] = /^(?:(sha256|sha1)=)?([0-9a-f]+)$/i.exec(signature) ?? [];
    return { kind: "signature", algorithm: word.toLowerCase() === "sha1" ? "sha1" : "sha256", hex };
  }
  const secret = textOf(headers, "x-gitlab-token");
  return secret === null ? null : { kind: "secret", secret };
}

/** Forges without a secret send some of these headers empty. */
function textOf(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** What a form has in its field `payload`; null: it is no such form. */
function readPayload(headers: IncomingHttpHeaders, raw: Buffer): Buffer | null {
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers["content-type"] ?? "")) return null;
  const payload = new URLSearchParams(raw.toString("utf8")).get("payload");
  return payload === null ? null : Buffer.from(payload, "utf8");
}

/** What cannot be read says nothing of refs: it counts as a change of any. */
function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString("utf8"));
  } catch {
    return null;
  }
}
