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
  StoredRemote,
} from "../ports.ts";

interface OpenPorts {
  readonly instance: { readonly externalUrl: string };
  readonly settings: { read(): Promise<OutboundRules> };
  readonly remotes: Pick<Remotes, "open">;
}

/** A mirror's remote, checked and ready to be spoken to, with what hides its secrets in any text. */
export interface OpenedRemote {
  readonly remote: RemoteAccess;
  readonly hideSecrets: (text: string) => string;
}

/**
 * Opens the remote of a mirror as it is stored now. `cancelled` when it has another URL by then than the mirror that is
 * given: what came with the new one must not be shown to the old one.
 */
export async function openRemote(
  ports: OpenPorts & { readonly mirrors: Pick<MirrorStore, "readRemote"> },
  mirror: Pick<Mirror, "id" | "url">,
  signal: AbortSignal,
): Promise<OpenedRemote> {
  const stored = await ports.mirrors.readRemote(mirror.id);
  if (stored.url !== mirror.url) throw new HeliostatError("cancelled", "The mirror's URL was changed.");
  return await openStoredRemote(ports, stored, signal);
}

/** Opens a remote, and checks its address anew: names may lead elsewhere since the last run. */
export async function openStoredRemote(
  ports: OpenPorts,
  stored: StoredRemote,
  signal: AbortSignal,
): Promise<OpenedRemote> {
  const remote = await ports.remotes.open(stored.url, credentialFor(stored), {
    ...(await ports.settings.read()),
    ownUrl: ports.instance.externalUrl,
    ...portRulesOf(stored.direction),
    trust: trustOf(stored),
    signal,
  });
  return { remote, hideSecrets: createRedactor(secretsOf(stored)) };
}

/**
 * What this URL is shown of the mirror's secrets: a private key never leaves for anything but SSH, and goes alone, so
 * that a host that refuses it does not get the password as well.
 */
function credentialFor(stored: StoredRemote): RemoteCredential | null {
  const { url, secret } = stored;
  if (schemeOf(url) !== "ssh") return passwordOf(secret);
  const username = sshUserOf(url) ?? (secret.username || DEFAULT_SSH_USER);
  if (!usesSshKey(stored)) return { username, password: secret.password ?? "" };
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

function trustOf({ knownHosts, caCertificates, clientCertificate, secret }: StoredRemote): RemoteTrust {
  const { clientKey } = secret;
  return {
    knownHosts,
    ...(caCertificates === null ? {} : { caCertificates }),
    ...(clientCertificate === null || clientKey === undefined
      ? {}
      : { clientCertificate: { certificate: clientCertificate, privateKey: clientKey } }),
  };
}

/** All that was opened, whether or not this run shows it. */
function secretsOf({ url, secret }: StoredRemote): string[] {
  const { username = "", password = "", privateKey = "", clientKey = "" } = secret;
  // The user name of SSH is part of an address.
  const shown = schemeOf(url) === "ssh" ? [password] : credentialSecrets(username, password);
  return [...shown, privateKey, clientKey].filter((part) => part !== "");
}
