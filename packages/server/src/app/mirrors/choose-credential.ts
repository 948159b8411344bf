import type { AuthMethod, CredentialKind } from "@heliostat/contract";
import type { Credential } from "../../domain/credential.ts";
import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { given } from "../../domain/given.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { mayIn } from "../../domain/policy.ts";
import { type RemoteUrl, schemeOf } from "../../domain/remote-url.ts";
import type { Principal } from "../../domain/user.ts";
import type { Ports, RemoteCredential } from "../ports.ts";
import type { MirrorSettings } from "../use-cases.ts";
import { readCertificates } from "./certificates.ts";
import type { CheckedRemote } from "./check-remote-url.ts";
import { submittedHostKeys } from "./submitted-host-keys.ts";

/** The named credentials that a save is about: the one that is asked for, and the one that the mirror has. */
export interface NamedCredentials {
  /** Asked for, and the user's to use; null: none is asked for. */
  readonly wanted: Credential | null;
  /** The stored one, if the user may use that too. */
  readonly ownStoredId: number | null;
}

/** What of a mirror's row changes with its named credential; nothing where it has none before and after. */
export interface CredentialChoice {
  readonly credentialId?: number | null;
  readonly authMethod?: AuthMethod;
}

interface CredentialPort {
  readonly credentials: Pick<Ports["credentials"], "find">;
}

const AUTH_METHOD_OF: Readonly<Record<CredentialKind, AuthMethod>> = {
  password: "password",
  ssh_key: "ssh_public_key",
};

/**
 * Looks up the named credentials of a save, before it. `model-invalid` for one that this user may not use, in the same
 * words as for one that does not exist; but the one that the mirror has already may be named by whoever saves it.
 */
export async function findNamedCredentials(
  ports: CredentialPort,
  principal: Principal,
  settings: MirrorSettings,
  seen: Mirror | null,
): Promise<NamedCredentials> {
  const storedId = seen?.credential?.id ?? null;
  const stored = storedId === null ? null : await findOwn(ports, principal, storedId);
  const ownStoredId = stored === null ? null : storedId;
  const { credentialId } = settings;
  if (credentialId === undefined || credentialId === null) return { wanted: null, ownStoredId };
  if (credentialId === storedId) return { wanted: stored, ownStoredId };
  const wanted = await findOwn(ports, principal, credentialId);
  if (!wanted) throw invalidField("credential_id", "does not exist");
  return { wanted, ownStoredId };
}

/**
 * What a save does about the named credential. A named one is handed to a remote by somebody who may use it. So whoever
 * may not, and gives the mirror another URL, be it of the same host, takes it away: else they had it shown to a server
 * of theirs, or read a repository with it that they may not see. The same where they change by what the server is known,
 * its host keys or the CA: another server could then stand in its place. With what is given beside the URL, or in it,
 * the mirror has an unnamed one again.
 */
export function chooseCredential(
  { wanted, ownStoredId }: NamedCredentials,
  stored: Mirror | null,
  save: {
    readonly settings: MirrorSettings;
    readonly remote: CheckedRemote | null;
    /** Credentials came beside the URL. */
    readonly hasOwn: boolean;
    /** The mirror is switched off, and forgets what it showed. */
    readonly drops: boolean;
  },
): CredentialChoice {
  const { settings, remote, hasOwn, drops } = save;
  const url = remote?.url ?? stored?.url;
  const storedId = stored?.credential?.id ?? null;
  if (drops) return storedId === null ? {} : { credentialId: null };
  if (wanted !== null && url !== undefined) {
    refuseMisfit(wanted, url, settings, remote);
    return { credentialId: wanted.id, authMethod: AUTH_METHOD_OF[wanted.kind] };
  }
  if (stored === null || storedId === null) return {};
  const isOtherUrl = remote !== null && remote.url !== stored.url;
  const { username, password } = givenIn(remote);
  const losesIt =
    settings.credentialId === null ||
    hasOwn ||
    password !== undefined ||
    (username !== undefined && username !== stored.username) ||
    (storedId !== ownStoredId && (isOtherUrl || changesTrust(stored, settings))) ||
    (stored.authMethod === "ssh_public_key" && remote !== null && schemeOf(remote.url) !== "ssh") ||
    (settings.authMethod !== undefined && settings.authMethod !== stored.authMethod);
  return losesIt ? { credentialId: null } : {};
}

/**
 * `forbidden` for who may not use the named credential of this mirror: what the server is known by is then not theirs to
 * say. Nothing where it has none.
 */
export async function requireOwnCredential(
  ports: CredentialPort,
  principal: Principal,
  mirror: Mirror,
): Promise<void> {
  const { credential } = mirror;
  if (credential === null || (await findOwn(ports, principal, credential.id))) return;
  throw new HeliostatError(
    "forbidden",
    `This mirror uses the credential ${credential.name}. Only who may use it may say which host keys are right; take it away from the mirror to do so yourself.`,
  );
}

/** Whether other host keys or CA certificates come along; those that are stored are what forms send back. */
function changesTrust(stored: Mirror, settings: MirrorSettings): boolean {
  const knownHosts = submittedHostKeys(settings, stored, 0);
  if (knownHosts !== undefined && knownHosts.text !== stored.knownHosts) return true;
  if (settings.caCertificates === undefined) return false;
  const { caCertificates } = readCertificates({ caCertificates: settings.caCertificates }, stored);
  return (caCertificates || null) !== stored.caCertificates;
}

async function findOwn(ports: CredentialPort, principal: Principal, id: number): Promise<Credential | null> {
  const credential = await ports.credentials.find(id);
  return credential && mayIn(principal, "use-credential", credential.namespace) ? credential : null;
}

/** What a URL says of who signs in. The user name of an SSH URL is a part of the address, and stays there. */
function givenIn(remote: CheckedRemote | null): Partial<RemoteCredential> {
  if (remote === null) return {};
  const { username, password } = remote.credential;
  return given({ username: schemeOf(remote.url) === "ssh" ? undefined : username, password });
}

/** Two answers to the question what the remote is shown are one too many. */
function refuseMisfit(
  wanted: Credential,
  url: RemoteUrl,
  settings: MirrorSettings,
  remote: CheckedRemote | null,
): void {
  const { username, password } = givenIn(remote);
  if (settings.username || settings.password || password) {
    throw invalidField("credential_id", "and a user name or password exclude each other");
  }
  if (username !== undefined && username !== wanted.username) {
    throw invalidField("credential_id", "has another user name than the URL: leave it out there");
  }
  const method = AUTH_METHOD_OF[wanted.kind];
  if (settings.authMethod !== undefined && settings.authMethod !== method) {
    throw invalidField("auth_method", `is ${method} with this credential`);
  }
  if (wanted.kind === "ssh_key" && schemeOf(url) !== "ssh") {
    throw invalidField("credential_id", "is an SSH key pair: it needs a URL that begins with ssh://");
  }
}
