import { withoutFinalDot } from "./host-name.ts";
import { hostOf, parseRemoteUrl, portOf, type RemoteUrl, schemeOf } from "./remote-url.ts";

/**
 * Whether an http(s) URL is the clone URL of the project at `fullPath` of the server at `externalUrl`, with or
 * without `.git` and a slash at the end; credentials, a default port and upper or lower case do not count, since
 * paths of projects compare without case. Only the spelling is compared: another name or address of this server is
 * for the resolver to find.
 */
export function isItself(url: RemoteUrl, self: { externalUrl: string; fullPath: string }): boolean {
  const own = parseRemoteUrl(`${self.externalUrl.replace(/\/+$/, "")}/${self.fullPath}`).url;
  return (
    schemeOf(url).startsWith("http") &&
    schemeOf(url) === schemeOf(own) &&
    withoutFinalDot(hostOf(url)) === withoutFinalDot(hostOf(own)) &&
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
