import type { Mirror } from "../../domain/mirror.ts";
import { portRulesOf } from "../../domain/port-rules.ts";
import { redact } from "../../domain/redact.ts";
import type { Ports, RemoteAccess, RemoteCredential } from "../ports.ts";

/** A mirror's remote, checked and ready to be spoken to, with what hides its secrets in any text. */
export interface OpenedRemote {
  readonly remote: RemoteAccess;
  readonly hideSecrets: (text: string) => string;
}

/** Opens the mirror's stored secret and checks its address anew: names may lead elsewhere since the last run. */
export async function openRemote(
  ports: Pick<Ports, "instance" | "mirrors" | "remotes" | "settings">,
  mirror: Mirror,
  signal: AbortSignal,
): Promise<OpenedRemote> {
  const [secret, rules] = await Promise.all([ports.mirrors.readSecret(mirror.id), ports.settings.read()]);
  const credential = credentialOf(secret);
  const remote = await ports.remotes.open(mirror.url, credential, {
    ...rules,
    ownUrl: ports.instance.externalUrl,
    ...portRulesOf(mirror.direction),
    signal,
  });
  return { remote, hideSecrets: (text) => redact(text, secretsOf(credential)) };
}

/** A token may stand in either half of the URL, so one half alone is a credential too. */
function credentialOf(secret: Partial<RemoteCredential>): RemoteCredential | null {
  if (secret.username === undefined && secret.password === undefined) return null;
  return { username: secret.username ?? "", password: secret.password ?? "" };
}

function secretsOf(credential: RemoteCredential | null): string[] {
  if (!credential) return [];
  const { username, password } = credential;
  // Without a password the user name is the token.
  const secret = password === "" ? username : password;
  return [secret, Buffer.from(`${username}:${password}`, "utf8").toString("base64")];
}
