import { withoutFinalDot } from "./host-name.ts";
import { hostOf, parseRemoteUrl, portOf, type RemoteUrl, schemeOf } from "./remote-url.ts";

/** This server, as far as URLs name it, and one of its projects. */
export interface OwnProject {
  readonly externalUrl: string;
  /** Where it speaks Git over SSH, under the host of its external URL; null: nowhere. */
  readonly sshPort: number | null;
  readonly fullPath: string;
}

/**
 * Whether a URL is one of the clone URLs of the project at `fullPath` of this server, by http(s) or SSH, with or
 * without `.git` and a slash at the end; credentials, a default port and upper or lower case do not count, since
 * paths of projects compare without case. Only the spelling is compared: another name or address of this server is
 * for the resolver to find.
 */
export function isItself(url: RemoteUrl, { externalUrl, sshPort, fullPath }: OwnProject): boolean {
  const own = parseRemoteUrl(`${externalUrl.replace(/\/+$/, "")}/${fullPath}`).url;
  if (withoutFinalDot(hostOf(url)) !== withoutFinalDot(hostOf(own))) return false;
  // By SSH there is nothing before a project's path, wherever the pages are.
  if (schemeOf(url) === "ssh") {
    return portOf(url) === sshPort && repositoryPathOf(url) === `/${fullPath.toLowerCase()}`;
  }
  return (
    schemeOf(url) === schemeOf(own) &&
    portOf(url) === portOf(own) &&
    repositoryPathOf(url) === repositoryPathOf(own)
  );
}

/** The path as our own server reads it. */
function repositoryPathOf(url: RemoteUrl): string {
  return new URL(url).pathname
    .replaceAll(/%[0-9a-f]{2}/gi, (encoded) => String.fromCharCode(Number.parseInt(encoded.slice(1), 16)))
    .replaceAll(/\/{2,}/g, "/")
    .replace(/\/$/, "")
    .replace(/\.git$/i, "")
    .toLowerCase();
}
