import { createHmac, randomUUID } from "node:crypto";
import { eventHeaderOf, interpolateUrl, parseHookUrl, renderTemplate } from "../../domain/hook.ts";
import type { ClaimedDelivery, ComposedRequest, Ports } from "../ports.ts";

type ComposePorts = Pick<Ports, "clock" | "hooks" | "hookSecrets" | "instance">;

const REDACTED = "[REDACTED]";

/** Headers that custom ones must not replace: they say how the body is to be read. */
const FRAMING = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "host",
  "content-type",
  "expect",
]);

/**
 * The request that tells a hook of an event, in GitLab's form, with the hook's secrets as they are now. With a signing
 * token the body is signed in both usual ways: GitHub's header, and those of the Standard Webhooks.
 */
export async function composeHookRequest(
  { clock, hooks, hookSecrets, instance }: ComposePorts,
  delivery: ClaimedDelivery,
): Promise<ComposedRequest | null> {
  const hook = await hooks.find(null, delivery.target.id);
  if (hook === null) return null;
  const secrets = await hookSecrets.read(delivery.target);
  const { url, userinfo } = parseHookUrl(interpolateUrl(hook.url, secrets.urlVariables));
  const body =
    hook.template === null ? delivery.payload : renderTemplate(hook.template, JSON.parse(delivery.payload));
  const open = {
    "Content-Type": "application/json",
    // Receivers look for GitLab's name.
    "User-Agent": `GitLab/${instance.version} (${instance.revision})`,
    "X-Gitlab-Event": eventHeaderOf(delivery.event),
    "X-Gitlab-Webhook-UUID": randomUUID(),
    "X-Gitlab-Instance": instance.externalUrl,
    "X-Gitlab-Event-UUID": delivery.eventUuid,
    "Idempotency-Key": delivery.idempotencyKey,
    ...(secrets.signingToken === null
      ? {}
      : sign(secrets.signingToken, { id: delivery.idempotencyKey, at: clock.now(), body })),
  };
  const hidden = {
    ...(secrets.token === null ? {} : { "X-Gitlab-Token": secrets.token }),
    ...(userinfo === null ? {} : { Authorization: basic(userinfo) }),
    ...Object.fromEntries([...secrets.headers].filter(([name]) => !FRAMING.has(name.toLowerCase()))),
  };
  return {
    request: {
      method: "POST",
      url,
      headers: joinHeaders(open, hidden),
      body,
      verifiesCertificate: hook.verifiesCertificate,
    },
    shownUrl: hook.url,
    shownHeaders: joinHeaders(open, Object.fromEntries(Object.keys(hidden).map((name) => [name, REDACTED]))),
    secrets: [
      secrets.token ?? "",
      secrets.signingToken ?? "",
      ...secrets.headers.values(),
      ...secrets.urlVariables.values(),
      ...(userinfo === null ? [] : [userinfo.username, userinfo.password]),
    ].filter((secret) => secret !== ""),
  };
}

/** Later ones win, whatever the case of their letters. */
function joinHeaders(...lists: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const joined = new Map<string, readonly [string, string]>();
  for (const list of lists)
    for (const [name, value] of Object.entries(list)) joined.set(name.toLowerCase(), [name, value]);
  return Object.fromEntries(joined.values());
}

function basic({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

function sign(
  token: string,
  { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string },
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  // The Standard Webhooks write the bytes of a key so.
  const key = token.startsWith("whsec_") ? Buffer.from(token.slice("whsec_".length), "base64") : token;
  return {
    "X-Hub-Signature-256": `sha256=${createHmac("sha256", token).update(body, "utf8").digest("hex")}`,
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`, "utf8").digest("base64")}`,
  };
}
