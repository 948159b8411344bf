import { credentialSecrets } from "../../domain/credential-secrets.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { portRulesOf } from "../../domain/port-rules.ts";
import { createRedactor } from "../../domain/redact.ts";
import { schemeOf } from "../../domain/remote-url.ts";
import { DEFAULT_SSH_USER, sshUserOf, usesSshKey } from "../../domain/ssh-remote.ts";
import type {
  MirrorSecret,
  MirrorStore,
  OutboundRules,
  RemoteAccess,
  RemoteCredential,
  Remotes,
  RemoteTrust,
} from "../ports.ts";

/** What of a mirror its remote is opened by. */
type OpenedMirror = Pick<
  Mirror,
  "id" | "direction" | "url" | "authMethod" | "knownHosts" | "caCertificates" | "clientCertificate"
>;

interface OpenPorts {
  readonly instance: { readonly externalUrl: string };
  readonly settings: { read(): Promise<OutboundRules> };
  readonly mirrors: Pick<MirrorStore, "readSecret">;
  readonly remotes: Pick<Remotes, "open">;
}

/** A mirror's remote, checked and ready to be spoken to, with what hides its secrets in any text. */
export interface OpenedRemote {
  readonly remote: RemoteAccess;
  readonly hideSecrets: (text: string) => string;
}

/** Opens the mirror's stored secret and checks its address anew: names may lead elsewhere since the last run. */
export async function openRemote(
  ports: OpenPorts,
  mirror: OpenedMirror,
  signal: AbortSignal,
): Promise<OpenedRemote> {
  const [secret, rules] = await Promise.all([ports.mirrors.readSecret(mirror.id), ports.settings.read()]);
  const credential = credentialFor(mirror, secret);
  const remote = await ports.remotes.open(mirror.url, credential, {
    ...rules,
    ownUrl: ports.instance.externalUrl,
    ...portRulesOf(mirror.direction),
    trust: trustOf(mirror, secret),
    signal,
  });
  return { remote, hideSecrets: createRedactor(secretsOf(mirror, secret)) };
}

/**
 * What this URL is shown of the mirror's secrets: a private key never leaves for anything but SSH, and goes alone, so
 * that a host that refuses it does not get the password as well.
 */
function credentialFor(mirror: OpenedMirror, secret: MirrorSecret): RemoteCredential | null {
  const { url } = mirror;
  if (schemeOf(url) !== "ssh") return passwordOf(secret);
  const username = sshUserOf(url) ?? (secret.username || DEFAULT_SSH_USER);
  if (!usesSshKey(mirror)) return { username, password: secret.password ?? "" };
  if (secret.privateKey === undefined) {
    throw new HeliostatError(
      "remote-credential",
      "The mirror signs in with an SSH key and has none. Save it with regenerate_ssh_private_key=true, and give its " +
        "public key to the remote.",
    );
  }
  return { username, password: "", privateKey: secret.privateKey };
}

/** A token may stand in either half of the URL, so one half alone is a credential too. */
function passwordOf({ username, password }: MirrorSecret): RemoteCredential | null {
  if (username === undefined && password === undefined) return null;
  return { username: username ?? "", password: password ?? "" };
}

function trustOf(mirror: OpenedMirror, { clientKey }: MirrorSecret): RemoteTrust {
  const { knownHosts, caCertificates, clientCertificate } = mirror;
  return {
    knownHosts,
    ...(caCertificates === null ? {} : { caCertificates }),
    ...(clientCertificate === null || clientKey === undefined
      ? {}
      : { clientCertificate: { certificate: clientCertificate, privateKey: clientKey } }),
  };
}

/** All that is stored, whether or not this run shows it. */
function secretsOf({ url }: OpenedMirror, secret: MirrorSecret): string[] {
  const { username = "", password = "", privateKey = "", clientKey = "" } = secret;
  // The user name of SSH is part of an address.
  const shown = schemeOf(url) === "ssh" ? [password] : credentialSecrets(username, password);
  return [...shown, privateKey, clientKey].filter((part) => part !== "");
}
