import type { SshPlace } from "./known-hosts.ts";
import type { Mirror } from "./mirror.ts";
import { hostOf, parseRemoteUrl, portOf, type RemoteUrl, schemeOf } from "./remote-url.ts";

/** Whom SSH hosts of Git call everybody; used where nobody says a name. */
export const DEFAULT_SSH_USER = "git";

/** Where the SSH server of a remote is; for a URL of another scheme, where one of the same host would be. */
export function sshPlaceOf(url: RemoteUrl): SshPlace {
  return { host: hostOf(url), port: schemeOf(url) === "ssh" ? portOf(url) : 22 };
}

/** The user name in an `ssh://` URL, decoded; null when it names none. */
export function sshUserOf(url: RemoteUrl): string | null {
  return parseRemoteUrl(url).username;
}

/**
 * Whether a mirror signs in with its key pair: only by SSH, as in GitLab, whatever its `auth_method` says of a URL of
 * another scheme.
 */
export function usesSshKey({ url, authMethod }: Pick<Mirror, "url" | "authMethod">): boolean {
  return authMethod === "ssh_public_key" && schemeOf(url) === "ssh";
}

/** The public key to be given to the mirror's host; null while it signs in without one. */
export function sshPublicKeyOf(mirror: Pick<Mirror, "url" | "authMethod" | "publicKey">): string | null {
  return usesSshKey(mirror) ? mirror.publicKey : null;
}
