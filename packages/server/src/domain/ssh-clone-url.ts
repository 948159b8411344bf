/** Where this server speaks Git over SSH. */
export interface SshPlace {
  /** The host is that of this URL. */
  readonly externalUrl: string;
  /** Null: nowhere. */
  readonly sshPort: number | null;
}

const SSH_PORT = 22;

/** The URL by which git clones this project over SSH, in the short form where there is one; null: SSH is off. */
export function sshCloneUrl({ externalUrl, sshPort }: SshPlace, fullPath: string): string | null {
  if (sshPort === null) return null;
  const { hostname } = new URL(externalUrl);
  const path = `${fullPath}.git`;
  // In the short form a colon ends the host: an IPv6 address has its brackets, which git takes there too.
  return sshPort === SSH_PORT ? `git@${hostname}:${path}` : `ssh://git@${hostname}:${sshPort}/${path}`;
}

/** The name of this server in known_hosts; null: SSH is off. */
export function knownHostsName({ externalUrl, sshPort }: SshPlace): string | null {
  if (sshPort === null) return null;
  const host = new URL(externalUrl).hostname.replace(/^\[(.*)\]$/, "$1");
  return sshPort === SSH_PORT ? host : `[${host}]:${sshPort}`;
}
